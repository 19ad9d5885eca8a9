//! Relabelling as Prometheus does it: of scraped series, of alerts on their way to Alertmanager, of what is
//! written to remote storage. Pure.

use regex::Regex;
use serde::Deserialize;

use crate::drill::series::Labels;

/// One step, as the configuration has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Relabel {
    source_labels: Vec<String>,
    separator: Option<String>,
    target_label: String,
    regex: Option<String>,
    replacement: Option<String>,
    action: Option<String>,
}

/// The labels after all steps; `None` when they are dropped.
///
/// # Errors
/// When a step is one that is not computed here.
pub(crate) fn relabelled(steps: &[Relabel], labels: Labels) -> Result<Option<Labels>, String> {
    let mut labels = labels;
    for step in steps {
        match step.apply(labels)? {
            Some(changed) => labels = changed,
            None => return Ok(None),
        }
    }
    labels.retain(|_, value| !value.is_empty());
    Ok(Some(labels))
}

impl Relabel {
    fn apply(&self, mut labels: Labels) -> Result<Option<Labels>, String> {
        let action = self.action.as_deref().unwrap_or("replace").to_ascii_lowercase();
        let separator = self.separator.as_deref().unwrap_or(";");
        let value = |labels: &Labels, name: &String| labels.get(name).cloned().unwrap_or_default();
        let source: Vec<_> = self.source_labels.iter().map(|name| value(&labels, name)).collect();
        let source = source.join(separator);
        let pattern = self.regex.as_deref().unwrap_or("(.*)");
        let regex = Regex::new(&format!("^(?s:{pattern})$")).map_err(|_| {
            format!("a relabelling with the expression '{pattern}', which is not understood here")
        })?;
        let replacement = self.replacement.as_deref().unwrap_or("$1");
        let expand = |template: &str, text: &str| {
            let found = regex.captures(text)?;
            let mut expanded = String::new();
            found.expand(template, &mut expanded);
            Some(expanded)
        };
        match action.as_str() {
            "keep" if !regex.is_match(&source) => return Ok(None),
            "drop" if regex.is_match(&source) => return Ok(None),
            "keepequal" if value(&labels, &self.target_label) != source => return Ok(None),
            "dropequal" if value(&labels, &self.target_label) == source => return Ok(None),
            "keep" | "drop" | "keepequal" | "dropequal" => {}
            "replace" => {
                if let (Some(target), Some(new)) =
                    (expand(&self.target_label, &source), expand(replacement, &source))
                {
                    if new.is_empty() {
                        labels.remove(&target);
                    } else {
                        labels.insert(target, new);
                    }
                }
            }
            "lowercase" => {
                labels.insert(self.target_label.clone(), source.to_lowercase());
            }
            "uppercase" => {
                labels.insert(self.target_label.clone(), source.to_uppercase());
            }
            "labeldrop" => labels.retain(|name, _| !regex.is_match(name)),
            "labelkeep" => labels.retain(|name, _| regex.is_match(name)),
            "labelmap" => {
                let mapped: Vec<_> = labels
                    .iter()
                    .filter_map(|(name, value)| Some((expand(replacement, name)?, value.clone())))
                    .collect();
                labels.extend(mapped);
            }
            other => return Err(format!("a relabelling by `{other}`, which is not computed here")),
        }
        Ok(Some(labels))
    }
}

/// What is stored of a series that a target exposes: the target's labels are added, and which of two of one name
/// is kept hangs on `honor_labels`.
#[must_use]
pub(crate) fn scraped(exposed: &Labels, target: &Labels, honor_labels: bool) -> Labels {
    let mut stored = exposed.clone();
    for (name, value) in target {
        match stored.get(name).cloned() {
            Some(_) if honor_labels => {}
            Some(own) => {
                let mut renamed = format!("exported_{name}");
                while stored.contains_key(&renamed) || target.contains_key(&renamed) {
                    renamed = format!("exported_{renamed}");
                }
                stored.insert(renamed, own);
                stored.insert(name.clone(), value.clone());
            }
            None => {
                stored.insert(name.clone(), value.clone());
            }
        }
    }
    stored.retain(|_, value| !value.is_empty());
    stored
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Labels {
        let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        text.split(',').filter_map(pair).collect()
    }

    #[test]
    fn each_action_does_what_prometheus_does() {
        let given = "__name__=depth,queue=Mail,drill=7";
        for (step, expected) in [
            ("{action: drop, source_labels: [drill], regex: '.+'}", None),
            ("{action: drop, source_labels: [drill], regex: '1'}", Some(given)),
            ("{action: keep, source_labels: [__name__], regex: 'node_.*'}", None),
            ("{action: keep, source_labels: [__name__, drill], regex: 'depth;7'}", Some(given)),
            ("{action: labeldrop, regex: drill}", Some("__name__=depth,queue=Mail")),
            ("{action: labelkeep, regex: '__name__|drill'}", Some("__name__=depth,drill=7")),
            ("{target_label: drill, replacement: ''}", Some("__name__=depth,queue=Mail")),
            ("{target_label: env, replacement: test}", Some("__name__=depth,queue=Mail,drill=7,env=test")),
            (
                "{source_labels: [queue], regex: '(.)ail', target_label: 'is_${1}', replacement: '$1'}",
                Some("__name__=depth,queue=Mail,drill=7,is_M=M"),
            ),
            ("{source_labels: [queue], regex: 'mail', target_label: x}", Some(given)),
            (
                "{action: lowercase, source_labels: [queue], target_label: queue}",
                Some("__name__=depth,queue=mail,drill=7"),
            ),
            ("{action: labelmap, regex: 'dr(.*)'}", Some("__name__=depth,queue=Mail,drill=7,ill=7")),
            ("{action: dropequal, source_labels: [drill], target_label: drill}", None),
        ] {
            let steps: Vec<Relabel> = serde_saphyr::from_str(&format!("[{step}]")).unwrap();
            assert_eq!(relabelled(&steps, labels(given)).unwrap(), expected.map(labels), "{step}");
        }
        let steps: Vec<Relabel> = serde_saphyr::from_str("[{action: hashmod, modulus: 2}]").unwrap();
        assert!(relabelled(&steps, labels(given)).unwrap_err().contains("hashmod"));
    }

    #[test]
    fn which_of_two_labels_is_kept_hangs_on_honor_labels() {
        let (own, target) = (labels("__name__=up,job=api,drill=7"), labels("job=ops-smoke-drill,instance=a"));
        assert_eq!(scraped(&own, &target, true), labels("__name__=up,job=api,drill=7,instance=a"));
        assert_eq!(
            scraped(&own, &target, false),
            labels("__name__=up,job=ops-smoke-drill,exported_job=api,drill=7,instance=a")
        );
    }
}
