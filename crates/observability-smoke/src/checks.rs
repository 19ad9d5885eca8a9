//! Every check that the tool can make. `--explain`, the evidence file and the documentation are written from
//! this table; the drill's own part of it stands with the drill.

use evidence_report::record::{Check, Tool};

use crate::drill;

/// `metrics.valid`
pub(crate) const METRICS_VALID: Check = Check {
    id: "metrics.valid",
    title: "Exposition is valid",
    explanation: "The text that a target exposes is read strictly: syntax, types, duplicates, histogram and summary \
        coherence. One wrong line makes Prometheus drop the whole scrape, and other readers may read it in \
        another way: alerts on those series stay silent.",
    remedy: "Correct the exporter at the line and column that are named; `observability-smoke metrics URL` shows all of them.",
};

const OWN: &[&Check] = &[&METRICS_VALID];

const COUNT: usize = OWN.len() + drill::checks::ALL.len();

/// The tables of all parts in one.
static ALL: [&Check; COUNT] = {
    let mut all = [OWN[0]; COUNT];
    let mut index = 0;
    while index < COUNT {
        all[index] =
            if index < OWN.len() { OWN[index] } else { drill::checks::ALL[index - OWN.len()] };
        index += 1;
    }
    all
};

/// The tool.
pub(crate) static TOOL: Tool =
    Tool { name: "observability-smoke", version: env!("CARGO_PKG_VERSION"), checks: &ALL };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_every_text_says_something() {
        let mut ids: Vec<_> = TOOL.checks.iter().map(|check| check.id).collect();
        ids.sort_unstable();
        let before = ids.len();
        ids.dedup();
        assert_eq!(before, ids.len(), "an id stands twice");
        for check in TOOL.checks {
            assert!(check.id.contains('.') && !check.title.is_empty(), "{}", check.id);
            assert!(check.explanation.len() > 40 && check.remedy.len() > 10, "{}", check.id);
        }
    }
}
