//! JSON: the record, with every finding and every measurement.

use crate::record::{Report, v1::Record};

pub(super) fn render(report: &Report) -> String {
    Record::whole(report).pretty()
}
