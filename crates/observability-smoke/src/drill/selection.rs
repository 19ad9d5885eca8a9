//! Picks the alert out of the rule files, with the recording rules that it stands on. Pure.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use super::series::Labels;
use crate::rules::{
    expression,
    manifest::{Group, Kind, Rule},
};

/// A rule file that was read.
#[derive(Debug, Clone)]
pub(crate) struct RuleFile {
    /// Where it stands.
    pub(crate) path: PathBuf,
    /// Its groups.
    pub(crate) groups: Vec<Group>,
}

/// The alert that was picked.
#[derive(Debug, Clone)]
pub(crate) struct Selected {
    /// Its rule.
    pub(crate) rule: Rule,
    /// Its file.
    pub(crate) path: PathBuf,
    /// The group's own evaluation interval, where it has one.
    pub(crate) interval: Option<Duration>,
    /// What Prometheus loads: the alert's group with the alert and the recording rules before it, and the
    /// groups of other recording rules that it stands on. Other rules are left out.
    pub(crate) loaded: Vec<Group>,
}

impl Selected {
    /// The recording rules that are loaded with it.
    pub(crate) fn recordings(&self) -> impl Iterator<Item = &Rule> {
        self.loaded.iter().flat_map(|group| &group.rules).filter(|rule| rule.kind == Kind::Record)
    }
}

/// No one alert could be picked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SelectionError {
    /// There is no such alert.
    #[error("there is no alert {wanted} in {files}{near}")]
    NotFound {
        /// What was asked for.
        wanted: String,
        /// Where it was looked for.
        files: String,
        /// What comes near, as the end of the sentence.
        near: String,
    },
    /// There are several.
    #[error(
        "{name} stands {count} times ({places}); name one with its labels, for example --alert '{example}'"
    )]
    Ambiguous {
        /// The name.
        name: String,
        /// How often.
        count: usize,
        /// Where.
        places: String,
        /// One of them, as it can be typed.
        example: String,
    },
    /// What was typed is neither a name nor a name with labels.
    #[error("--alert: {0}")]
    Name(String),
}

/// Which alerts are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Choice<'a> {
    /// Every one.
    All,
    /// These, by name or by name and labels.
    Named(&'a [String]),
}

/// The alerts that are wanted, each with what it is called: its name, with a label where the name alone is not
/// enough, with its place where that is not enough either.
///
/// # Errors
/// When one of the names is none, or more than one.
pub(crate) fn choose(
    files: &[RuleFile],
    choice: Choice<'_>,
) -> Result<Vec<(String, Selected)>, SelectionError> {
    let selected: Vec<Selected> = match choice {
        Choice::Named(names) => names.iter().map(|name| select(files, name)).collect::<Result<_, _>>()?,
        Choice::All => rules(files)
            .filter(|(_, _, rule)| rule.kind == Kind::Alert)
            .map(|(path, group, rule)| picked(files, path, group, rule))
            .collect(),
    };
    if selected.is_empty() {
        return Err(not_found(files, "at all", ""));
    }
    let bare = |one: &Selected| one.rule.name.clone();
    let labelled = |one: &Selected| example(&one.rule.name, &one.rule);
    let placed = |one: &Selected| format!("{} ({}:{})", one.rule.name, one.path.display(), one.rule.line);
    let called = |one: &Selected| {
        let once = |name: &dyn Fn(&Selected) -> String| {
            selected.iter().filter(|other| name(other) == name(one)).count() == 1
        };
        if once(&bare) {
            bare(one)
        } else if once(&labelled) {
            labelled(one)
        } else {
            placed(one)
        }
    };
    let names: Vec<_> = selected.iter().map(called).collect();
    Ok(names.into_iter().zip(selected).collect())
}

fn picked(files: &[RuleFile], path: &Path, group: &Group, rule: &Rule) -> Selected {
    Selected {
        rule: rule.clone(),
        path: path.to_path_buf(),
        interval: group.interval,
        loaded: needed(files, rule),
    }
}

/// An alert as people name it: by its name, or with labels that its rule sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// Its name.
    pub(crate) name: String,
    /// Labels of the rule, by which it is told from others of that name.
    pub(crate) labels: Labels,
}

impl Named {
    /// Reads `DiskFull` or `DiskFull{severity="critical"}`.
    ///
    /// # Errors
    /// A sentence that says what it should be.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.contains('{') {
            return Ok(Self { name: text.to_owned(), labels: Labels::new() });
        }
        let mut labels = crate::rules::unit_test::labels(text)?;
        let name = labels.remove("__name__").unwrap_or_default();
        Ok(Self { name, labels })
    }

    /// Whether this is the alert that is meant.
    #[must_use]
    pub(crate) fn is(&self, rule: &Rule) -> bool {
        let mut labels = self.labels.iter();
        rule.kind == Kind::Alert
            && rule.name == self.name
            && labels.all(|(label, value)| rule.labels.get(label) == Some(value))
    }
}

/// Picks the alert called `wanted`: a name, or a name with labels that the rule sets:
/// `DiskFull{severity="critical"}`.
///
/// # Errors
/// When there is none, or more than one.
pub(crate) fn select(files: &[RuleFile], wanted: &str) -> Result<Selected, SelectionError> {
    let named = Named::parse(wanted).map_err(SelectionError::Name)?;
    let name = named.name.clone();
    let fits = |rule: &Rule| named.is(rule);
    let found: Vec<_> = rules(files).filter(|(_, _, rule)| fits(rule)).collect();
    match found.as_slice() {
        [] => Err(not_found(files, wanted, &name)),
        [(path, group, rule)] => Ok(picked(files, path, group, rule)),
        several => Err(SelectionError::Ambiguous {
            count: several.len(),
            places: several
                .iter()
                .map(|(path, _, rule)| format!("{}:{}", path.display(), rule.line))
                .collect::<Vec<_>>()
                .join(", "),
            example: example(&name, several[0].2),
            name,
        }),
    }
}

fn rules(files: &[RuleFile]) -> impl Iterator<Item = (&Path, &Group, &Rule)> {
    files.iter().flat_map(|file| {
        file.groups
            .iter()
            .flat_map(move |group| group.rules.iter().map(move |rule| (file.path.as_path(), group, rule)))
    })
}

fn example(name: &str, rule: &Rule) -> String {
    let label = rule.labels.get_key_value("severity").or_else(|| rule.labels.iter().next());
    label.map_or_else(|| name.to_owned(), |(label, value)| format!("{name}{{{label}=\"{value}\"}}"))
}

fn not_found(files: &[RuleFile], wanted: &str, name: &str) -> SelectionError {
    let alerts: BTreeSet<_> = rules(files)
        .filter(|(_, _, rule)| rule.kind == Kind::Alert)
        .map(|(_, _, rule)| rule.name.as_str())
        .collect();
    let mut near: Vec<_> = alerts.iter().map(|alert| (distance(alert, name), *alert)).collect();
    near.sort_unstable();
    let near: Vec<_> = near
        .iter()
        .filter(|(distance, alert)| {
            *distance <= 2 + name.len() / 4 || alert.to_lowercase().contains(&name.to_lowercase())
        })
        .map(|(_, alert)| *alert)
        .take(3)
        .collect();
    let near = match (near.as_slice(), alerts.len()) {
        ([], 0) => "; there are no alerts at all".to_owned(),
        ([], _) => {
            let shown: Vec<_> = alerts.iter().take(8).copied().collect();
            let more = if alerts.len() > 8 { ", …" } else { "" };
            format!("; there are {}{more}", shown.join(", "))
        }
        (near, _) => format!("; did you mean {}?", near.join(" or ")),
    };
    let files: Vec<_> = files.iter().map(|file| file.path.display().to_string()).collect();
    SelectionError::NotFound { wanted: wanted.to_owned(), files: files.join(", "), near }
}

/// Edit distance without regard to case.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, char) in one.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, wanted) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(char != *wanted);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

/// The groups, each with only those rules that the alert stands on, and the alert itself.
fn needed(files: &[RuleFile], alert: &Rule) -> Vec<Group> {
    let mut names = BTreeSet::new();
    let mut open = vec![alert.expression.clone()];
    while let Some(text) = open.pop() {
        let Ok(parsed) = promql_parser::parser::parse(&text) else { continue };
        for name in expression::metric_names(&parsed) {
            let recorded = rules(files).filter(|(_, _, rule)| rule.kind == Kind::Record && rule.name == name);
            let expressions: Vec<_> = recorded.map(|(_, _, rule)| rule.expression.clone()).collect();
            if !expressions.is_empty() && names.insert(name) {
                open.extend(expressions);
            }
        }
    }
    let wanted = |rule: &&Rule| *rule == alert || (rule.kind == Kind::Record && names.contains(&rule.name));
    let mut groups: Vec<Group> = Vec::new();
    for group in files.iter().flat_map(|file| &file.groups) {
        let rules: Vec<_> = group.rules.iter().filter(wanted).cloned().collect();
        if rules.is_empty() {
            continue;
        }
        // Groups of one name in one file are refused; in several files they are several groups.
        let twins =
            groups.iter().filter(|other| other.name.split(" #").next() == Some(group.name.as_str())).count();
        let name = if twins == 0 { group.name.clone() } else { format!("{} #{}", group.name, twins + 1) };
        groups.push(Group { name, rules, ..group.clone() });
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::manifest;

    fn file(text: &str) -> Vec<RuleFile> {
        vec![RuleFile { path: "rules.yml".into(), groups: manifest::read(text).unwrap() }]
    }

    const RULES: &str = "groups:
- name: record
  interval: 5s
  rules:
  - {record: 'job:errors:rate', expr: 'sum by (job) (rate(errors_total[1m]))'}
  - {record: 'job:unused:rate', expr: 'sum(unused)'}
- name: api
  rules:
  - {alert: HighErrorRate, expr: 'job:errors:rate > 1'}
  - {alert: DiskFull, expr: 'disk > 80', labels: {severity: warning}}
  - {alert: DiskFull, expr: 'disk > 90', labels: {severity: critical}}
";

    #[test]
    fn the_recording_rules_that_an_alert_stands_on_come_along_and_no_others() {
        let selected = select(&file(RULES), "HighErrorRate").unwrap();
        let names: Vec<_> = selected.loaded.iter().flat_map(|g| &g.rules).map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["job:errors:rate", "HighErrorRate"]);
        assert_eq!(selected.loaded[0].interval, Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_missing_alert_is_answered_with_near_names() {
        let error = select(&file(RULES), "HighErorRate").unwrap_err().to_string();
        assert!(error.ends_with("did you mean HighErrorRate?"), "{error}");
        let error = select(&file(RULES), "Nothing").unwrap_err().to_string();
        assert!(error.contains("there are DiskFull, HighErrorRate"), "{error}");
    }

    #[test]
    fn all_are_chosen_and_each_is_called_so_that_it_can_be_told() {
        let names = |choice| -> Vec<String> {
            choose(&file(RULES), choice).unwrap().into_iter().map(|(name, _)| name).collect()
        };
        let disk = |severity: &str| format!("DiskFull{{severity=\"{severity}\"}}");
        let all = ["HighErrorRate".to_owned(), disk("warning"), disk("critical")];
        assert_eq!(names(Choice::All), all);
        assert_eq!(names(Choice::Named(&[disk("critical")])), ["DiskFull"]);
        let twins = "groups: [{name: a, rules: [{alert: A, expr: x}, {alert: A, expr: y}]}]";
        let twins = choose(&file(twins), Choice::All).unwrap();
        assert!(twins[0].0.starts_with("A (rules.yml:"), "{}", twins[0].0);
    }

    #[test]
    fn of_several_one_is_named_by_its_labels() {
        let error = select(&file(RULES), "DiskFull").unwrap_err().to_string();
        assert!(error.contains("--alert 'DiskFull{severity=\"warning\"}'"), "{error}");
        let selected = select(&file(RULES), "DiskFull{severity=\"critical\"}").unwrap();
        assert_eq!(selected.rule.expression, "disk > 90");
        assert!(matches!(select(&file(RULES), "DiskFull{severity="), Err(SelectionError::Name(_))));
    }
}
