//! The chain of runs beside an evidence file: one line a run, each with the digest of the line before.
//!
//! * [`Line`]: the wire type, version 1: what is kept of a run whose evidence has been replaced since.
//! * [`Chain`]: text → lines, and whatever is wrong with them: broken, cut, forked, rewritten.
//! * [`trends`]: how each measurement went from run to run.
//!
//! Every record names the digest of the line before its own, and is sealed: so evidence that is signed, or
//! committed, anchors all lines before it. Without such an anchor a chain can be written anew as a whole by
//! whoever can write the file, and nothing in here claims otherwise.
//!
//! Pure: nothing in here touches disk or clock; the file is kept by [`crate::run`].

mod chain;
mod line;
mod pruning;
mod trend;

pub use chain::{Chain, Entry, Standing, Trouble};
pub use line::{Anew, Came, Line, Pruned, RunLine};
pub use pruning::{Keep, Pruning, prune};
pub use trend::{Point, Trend, sparkline, trends};
