//! What a run saw, as values: nothing in here touches disk, network, environment or clock.

mod check;
mod finding;
mod measurement;
mod report;
mod timeline;
pub mod v1;
mod verdict;

pub use check::{Check, Tool};
pub use finding::{Finding, Location, Outcome, Requirement};
pub use measurement::{Decimal, Measurement, Objective};
pub use report::{Attachment, Chart, Detail, Report, RunFacts};
pub use timeline::{Stage, Timeline};
pub use verdict::{Environment, Verdict};
