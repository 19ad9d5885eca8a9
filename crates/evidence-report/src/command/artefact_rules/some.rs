//! Lists of a rule that must name something: a rule over nothing finds nothing, and would look like a pass.

use serde::{Deserialize, Deserializer, de::Error};

/// A list with at least one entry.
pub(super) fn some<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let list = Vec::deserialize(deserializer)?;
    if list.is_empty() {
        Err(D::Error::custom("an empty list: the rule would judge nothing"))
    } else {
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use crate::command::artefact_rules::Rule;

    #[test]
    fn a_rule_over_nothing_is_refused() {
        for text in [
            "{rule: rotation, log: a.md, classes: []}",
            "{rule: drills, file: a.md, kinds: []}",
            "{rule: scans, reports: []}",
            "{rule: scans, reports: [{kind: sast, file: a}], kinds: []}",
            "{rule: load-profile, results: a, measures: []}",
            "{rule: load-profile, results: a, measures: [{part: api, name: x, at: a, of: b, share: 1.5}]}",
            "{rule: cost, file: a.md, areas: []}",
            "{rule: correlation-trace, file: a.md, systems: []}",
            "{rule: network-policy, manifests: []}",
            "{rule: config-diff, environments: {production: a.yaml}}",
        ] {
            let why = serde_saphyr::from_str::<Rule>(text).unwrap_err().to_string();
            let told = ["would judge nothing", "share of a limit", "two environments"];
            assert!(told.iter().any(|told| why.contains(told)), "{text}: {why}");
        }
    }
}
