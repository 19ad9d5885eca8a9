//! What a run saw, as values: nothing in here touches disk, network, environment or clock.

mod check;
mod finding;
mod gathering;
mod measurement;
mod report;
mod series;
mod timeline;
pub mod v1;
mod verdict;
mod waiver;

pub use check::{Check, Tool};
pub use finding::{Finding, Location, Outcome, Requirement};
pub(crate) use gathering::Gathering;
pub use measurement::{Decimal, Measurement, Objective};
pub use report::{Attachment, Chart, Detail, Report, RunFacts, Unlisted};
pub use series::{Deadline, Metric, Series};
pub use timeline::{Stage, Timeline};
pub use verdict::{Environment, Verdict};
pub use waiver::Waived;
