//! The arithmetic of burn-rate alerts that were written by hand: factor = budget share × period / long window.
//! Pure. What is not clearly a burn-rate alert is left alone.

use std::{collections::BTreeSet, time::Duration};

use evidence_report::record::Finding;
use promql_parser::parser::{Expr, parse};

use super::{Placed, RuleFile, alerts, checks, config::SloPolicy, placed};
use crate::rules::{
    duration,
    expression::{constant, longest_range, metric_names, selectors, walk},
};

const DAY: f64 = 86_400.0;

/// So many ways to become true are gone through.
const MOST_BRANCHES: usize = 64;

/// One comparison: a ratio over a window against factor × budget.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Burn {
    /// The window of the ratio, in seconds.
    pub(crate) window: f64,
    /// How many times as fast as allowed the budget is spent.
    pub(crate) factor: f64,
    /// The errors that are allowed, as a ratio.
    pub(crate) budget: f64,
    made: Made,
}

/// What a ratio is made of.
#[derive(Debug, Clone, PartialEq)]
struct Made {
    /// Its selectors, without the window that a name may end with.
    selectors: BTreeSet<String>,
    /// Its ranges, each with its offset.
    windows: BTreeSet<String>,
}

impl Made {
    fn of(ratio: &Expr) -> Self {
        let (mut all, mut windows) = (BTreeSet::new(), BTreeSet::new());
        walk(ratio, &mut |part| {
            let selector = match part {
                Expr::VectorSelector(selector) => selector,
                Expr::MatrixSelector(matrix) => {
                    let offset = matrix.vs.offset.as_ref().map(|by| format!(" offset {by}"));
                    windows.insert(format!(
                        "{}{}",
                        duration::display(matrix.range),
                        offset.unwrap_or_default()
                    ));
                    &matrix.vs
                }
                _ => return,
            };
            all.insert(without_windows(&selector.to_string()));
        });
        Self { selectors: all, windows }
    }

    fn is_of_one_window(&self) -> bool {
        self.windows.len() <= 1
    }
}

/// The text with each duration that stands in it left open: `errors:ratio_rate1h` is `errors:ratio_rate5m`.
fn without_windows(text: &str) -> String {
    let mut open = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|sign: char| sign.is_ascii_digit()) {
        open.push_str(&rest[..at]);
        let number = &rest[at..];
        let digits = number.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(number.len());
        let behind = &number[digits..];
        let unit = behind.find(|sign: char| !sign.is_ascii_alphabetic()).unwrap_or(behind.len());
        let is_window = duration::parse(&number[..digits + unit]).is_ok();
        let end = if is_window { digits + unit } else { digits };
        open.push_str(if is_window { "#" } else { &number[..end] });
        rest = &number[end..];
    }
    open + rest
}

/// The burn comparisons of an expression, in order.
pub(crate) fn burns(expression: &Expr, files: &[RuleFile]) -> Vec<Burn> {
    let mut found = Vec::new();
    walk(expression, &mut |part| {
        let Expr::Binary(binary) = part else { return };
        let (greater, less) = match binary.op.to_string().as_str() {
            ">" | ">=" => (&binary.lhs, &binary.rhs),
            "<" | "<=" => (&binary.rhs, &binary.lhs),
            _ => return,
        };
        // Errors above what is allowed, or what went well below the rest.
        let (ratio, limit) = match (product(less), the_rest(greater)) {
            (Some(limit), _) => (greater, limit),
            (None, Some(limit)) => (less, limit),
            (None, None) => return,
        };
        if let Some(window) = window(ratio, files) {
            found.push(Burn { window, factor: limit.0, budget: limit.1, made: Made::of(ratio) });
        }
    });
    found
}

/// `1 - 14.4 * 0.001`: the factor and the budget.
fn the_rest(limit: &Expr) -> Option<(f64, f64)> {
    match limit {
        Expr::Paren(paren) => the_rest(&paren.expr),
        Expr::Binary(binary) if binary.op.to_string() == "-" && constant(&binary.lhs) == Some(1.0) => {
            product(&binary.rhs)
        }
        _ => None,
    }
}

/// The conditions each of which makes the expression true, as the parts that must hold together: what `or` joins is apart,
/// what `and` joins is together.
fn branches(expression: &Expr) -> Vec<Vec<&Expr>> {
    match expression {
        Expr::Paren(paren) => branches(&paren.expr),
        Expr::Binary(binary) => match binary.op.to_string().as_str() {
            "or" => [branches(&binary.lhs), branches(&binary.rhs)].concat(),
            "and" => {
                let right = branches(&binary.rhs);
                let with =
                    |left: &Vec<_>| right.iter().map(|right| [&left[..], right].concat()).collect::<Vec<_>>();
                branches(&binary.lhs).iter().flat_map(with).take(MOST_BRANCHES).collect()
            }
            "unless" => branches(&binary.lhs),
            _ => vec![vec![expression]],
        },
        _ => vec![vec![expression]],
    }
}

/// `14.4 * 0.001` or `14.4 * (1 - 0.999)`: the factor and the budget.
fn product(limit: &Expr) -> Option<(f64, f64)> {
    match limit {
        Expr::Paren(paren) => product(&paren.expr),
        Expr::Binary(binary) if binary.op.to_string() == "*" => {
            let (left, right) = (constant(&binary.lhs)?, constant(&binary.rhs)?);
            let (factor, budget) = if left >= right { (left, right) } else { (right, left) };
            (factor >= 0.5 && budget > 0.0 && budget < 0.5).then_some((factor, budget))
        }
        _ => None,
    }
}

/// The window of a ratio: its longest range, or that of the recorded series' rule, or what its name says.
fn window(ratio: &Expr, files: &[RuleFile]) -> Option<f64> {
    if let Some(range) = longest_range(ratio) {
        return Some(range.as_secs_f64());
    }
    let name = metric_names(ratio).into_iter().next().filter(|_| selectors(ratio).len() == 1)?;
    let recorded = super::all(files).find(|rule| !rule.is_alert() && rule.rule.name == name);
    let of_rule = recorded.and_then(|rule| longest_range(&parse(&rule.rule.expression).ok()?));
    let of_name = || {
        let start = name.rfind(|sign: char| !sign.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
        let last = &name[start..];
        let digits = last.find(|sign: char| sign.is_ascii_digit())?;
        duration::parse(&last[digits..]).ok()
    };
    Some(of_rule.or_else(of_name)?.as_secs_f64()).filter(|window| *window > 0.0)
}

/// The periods and shares that are right.
fn usual(policy: &SloPolicy) -> Vec<(f64, Vec<f64>)> {
    let thirty = || vec![0.02, 0.05, 0.1];
    let twenty_eight = || vec![1.0 / 48.0, 1.0 / 16.0, 1.0 / 14.0, 1.0 / 7.0];
    let shares = |usual: Vec<f64>| if policy.shares.is_empty() { usual } else { policy.shares.clone() };
    match policy.period {
        Some(period) => {
            let usual: Vec<_> = thirty().into_iter().chain(twenty_eight()).collect();
            vec![(period.0.as_secs_f64(), shares(usual))]
        }
        None => {
            vec![(30.0 * DAY, shares(thirty())), (28.0 * DAY, shares([thirty(), twenty_eight()].concat()))]
        }
    }
}

/// Whether the factor is a usual share of a usual period: within 3 in 100, for factors are rounded.
fn fits(policy: &SloPolicy, burn: &Burn) -> bool {
    usual(policy).iter().any(|(period, shares)| {
        shares.iter().any(|share| (burn.factor * burn.window / period / share - 1.0).abs() <= 0.03)
    })
}

/// Judges every burn-rate alert.
pub(crate) fn assess(files: &[RuleFile], policy: &SloPolicy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (alert, expression, _) in burning(files) {
        let judged = arithmetic(&alert, &burns_together(&expression, files), policy);
        findings.extend(judged.into_iter().map(|f| placed(f, &alert)));
        findings.push(placed(traffic(&alert, &expression, files), &alert));
    }
    findings
}

/// The burn-rate alerts: by two windows, or by one and their name.
pub(crate) fn burning(files: &[RuleFile]) -> impl Iterator<Item = (Placed<'_>, Expr, Vec<Burn>)> {
    alerts(files).filter_map(|alert| {
        let expression = parse(&alert.rule.expression).ok()?;
        let burns = burns(&expression, files);
        let name = alert.rule.name.to_lowercase();
        let named = name.contains("burn") || name.contains("budget");
        (burns.len() >= 2 || (named && !burns.is_empty())).then_some((alert, expression, burns))
    })
}

fn seconds(seconds: f64) -> String {
    duration::display(Duration::from_secs_f64(seconds))
}

/// The burn comparisons that must hold together, for each way in which the alert becomes true.
fn burns_together(expression: &Expr, files: &[RuleFile]) -> Vec<Vec<Burn>> {
    let of = |branch: Vec<&Expr>| branch.into_iter().flat_map(|part| burns(part, files)).collect::<Vec<_>>();
    branches(expression).into_iter().map(of).filter(|burns| !burns.is_empty()).collect()
}

fn arithmetic(alert: &Placed<'_>, together: &[Vec<Burn>], policy: &SloPolicy) -> Vec<Finding> {
    let subject = alert.subject();
    let mut findings: Vec<Finding> = Vec::new();
    for finding in together.iter().flat_map(|burns| of_one_branch(&subject, burns, policy)) {
        if !findings.iter().any(|other| other.observed == finding.observed) {
            findings.push(finding);
        }
    }
    if findings.is_empty() {
        findings.push(checks::BURN_RATE.passed(&subject).observed("factor and windows agree"));
    }
    findings
}

fn of_one_branch(subject: &str, burns: &[Burn], policy: &SloPolicy) -> Vec<Finding> {
    let check = &checks::BURN_RATE;
    let mut findings = Vec::new();
    // Every factor has a long window: the longest one with that factor.
    let mut factors: Vec<f64> = burns.iter().map(|burn| burn.factor).collect();
    factors.sort_by(f64::total_cmp);
    factors.dedup();
    for factor in factors {
        let same = || burns.iter().filter(|burn| (burn.factor - factor).abs() < f64::EPSILON);
        let Some(long) = same().max_by(|a, b| a.window.total_cmp(&b.window)) else { continue };
        let short = same().map(|burn| burn.window).fold(f64::INFINITY, f64::min);
        let (period, shares) = usual(policy).swap_remove(0);
        let share = factor * long.window / period;
        let expected = "factor = budget share × period / long window";
        if !fits(policy, long) {
            let nearest =
                shares.iter().copied().min_by(|a, b| (a - share).abs().total_cmp(&(b - share).abs()));
            let right = nearest.map_or(0.0, |share| share * period / long.window);
            let observed = format!(
                "{factor} over {} is {:.1} % of the budget of {}; for {:.1} % it would be {}",
                seconds(long.window),
                share * 100.0,
                seconds(period),
                nearest.unwrap_or_default() * 100.0,
                (right * 100.0).round() / 100.0
            );
            findings.push(check.failed(subject).expected(expected).observed(observed));
        }
        if same().all(|burn| burn.made.is_of_one_window()) {
            findings.extend(same().find_map(|short| of_something_else(subject, long, short)));
        }
        let ratio = long.window / short;
        if !(6.0..=30.0).contains(&ratio) {
            let observed = if ratio <= 1.0 {
                format!("only the window {}", seconds(long.window))
            } else {
                format!("windows {} and {}", seconds(long.window), seconds(short))
            };
            findings.push(
                check
                    .warned(subject)
                    .expected("a short window of about a twelfth of the long one")
                    .observed(observed),
            );
        }
    }
    findings.extend(mixed(subject, burns));
    findings
}

/// Ratios over several windows at once.
fn mixed(subject: &str, burns: &[Burn]) -> Option<Finding> {
    let burn = burns.iter().find(|burn| !burn.made.is_of_one_window())?;
    let windows: Vec<_> = burn.made.windows.iter().map(String::as_str).collect();
    let finding =
        checks::BURN_RATE.warned(subject).expected("one window, and one offset, for the whole of a ratio");
    Some(finding.observed(format!("a ratio over {}", windows.join(" and "))))
}

/// A short window of something else than its long one: it neither stops the alert early nor keeps it quiet.
fn of_something_else(subject: &str, long: &Burn, short: &Burn) -> Option<Finding> {
    let windows = format!("{} and {}", seconds(long.window), seconds(short.window));
    let listed = |burn: &Burn| burn.made.selectors.iter().cloned().collect::<Vec<_>>().join(", ");
    let observed = if (long.budget / short.budget - 1.0).abs() > 1e-6 {
        format!("windows {windows} of different budgets: {:.6} and {:.6}", long.budget, short.budget)
    } else if long.made.selectors != short.made.selectors {
        format!("windows {windows} of different series: {} and {}", listed(long), listed(short))
    } else {
        return None;
    };
    let finding =
        checks::BURN_RATE.warned(subject).expected("a long and a short window of one ratio and one budget");
    Some(finding.observed(observed))
}

/// Whether the alert knows how little traffic there is, and whether somebody is told when there is none.
fn traffic(alert: &Placed<'_>, expression: &Expr, files: &[RuleFile]) -> Finding {
    let subject = alert.subject();
    let guarded = branches(expression).iter().all(|branch| is_guarded(branch, files));
    let base = bases(expression, files);
    let told = alerts(files).any(|other| {
        let Ok(parsed) = parse(&other.rule.expression) else { return false };
        let mut absent = false;
        walk(&parsed, &mut |part| {
            absent |= matches!(part, Expr::Call(call) if call.func.name.starts_with("absent"));
        });
        absent && bases(&parsed, files).iter().any(|name| base.contains(name))
    });
    let missing: Vec<_> = [
        (!guarded).then_some("no least traffic (one error of three requests fires it)"),
        (!told).then_some("no alert with absent() on its series (it is silent when they end)"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let expected = "a least traffic in the alert, and an alert for no traffic beside it";
    let check = &checks::BURN_TRAFFIC;
    if missing.is_empty() {
        return check.passed(subject).expected(expected).observed("both are there");
    }
    check.warned(subject).expected(expected).observed(missing.join("; "))
}

/// Whether something beside the burn comparisons of one branch is compared, as a least traffic is.
fn is_guarded(branch: &[&Expr], files: &[RuleFile]) -> bool {
    let mut comparisons = 0;
    for part in branch {
        walk(part, &mut |part| {
            if let Expr::Binary(binary) = part
                && matches!(binary.op.to_string().as_str(), ">" | ">=" | "<" | "<=")
            {
                comparisons += 1;
            }
        });
    }
    let burns: usize = branch.iter().map(|part| burns(part, files).len()).sum();
    burns == 0 || comparisons > burns
}

/// The names of the metrics, with those that the recorded ones are made of.
fn bases(expression: &Expr, files: &[RuleFile]) -> BTreeSet<String> {
    let mut names = metric_names(expression);
    for name in names.clone() {
        for rule in super::all(files).filter(|rule| !rule.is_alert() && rule.rule.name == name) {
            names.extend(parse(&rule.rule.expression).iter().flat_map(metric_names));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    fn judged(factor: &str, long: &str, short: &str, policy: &SloPolicy) -> Outcome {
        let expr = format!(
            "sum(rate(e[{long}])) / sum(rate(a[{long}])) > ({factor} * 0.001) and sum(rate(e[{short}])) / sum(rate(a[{short}])) > ({factor} * (1 - 0.999))"
        );
        let text = format!("groups: [{{name: g, rules: [{{alert: Burn, expr: '{expr}'}}]}}]");
        let files = [RuleFile { path: String::new(), groups: crate::rules::manifest::read(&text).unwrap() }];
        let findings = assess(&files, policy);
        assert_eq!(findings.last().unwrap().outcome, Outcome::Warned, "no guard");
        findings[0].outcome
    }

    #[test]
    fn the_numbers_of_sloth_and_pyrra_are_right_and_wrong_ones_are_not() {
        use Outcome::{Failed, Passed, Warned};
        for (factor, long, short, outcome) in [
            // sloth, 30 days
            ("14.4", "1h", "5m", Passed),
            ("6", "6h", "30m", Passed),
            ("3", "1d", "2h", Passed),
            ("1", "3d", "6h", Passed),
            // pyrra, 28 days
            ("14", "1h", "5m", Passed),
            ("7", "6h", "30m", Passed),
            ("2", "1d", "2h", Passed),
            ("1", "4d", "6h", Passed),
            // mistakes
            ("14.4", "6h", "30m", Failed),
            ("6", "1h", "5m", Failed),
            ("144", "1h", "5m", Failed),
            ("14.4", "1h", "1h", Warned),
            ("14.4", "1h", "30m", Warned),
        ] {
            assert_eq!(
                judged(factor, long, short, &SloPolicy::default()),
                outcome,
                "{factor} {long} {short}"
            );
        }
        let own: SloPolicy = serde_saphyr::from_str("{period: 7d, shares: [0.1]}").unwrap();
        assert_eq!(judged("16.8", "1h", "5m", &own), Passed);
        assert_eq!(judged("14.4", "1h", "5m", &own), Failed);
    }

    /// `E` is a ratio of errors, `G` one of what went well, `T` the traffic.
    fn outcomes(expr: &str) -> Vec<(Outcome, String)> {
        let mut text = expr.to_owned();
        for (sign, ratio) in [("E", "e"), ("G", "g")] {
            for window in ["5m", "30m", "1h", "6h"] {
                let written = format!("sum(rate({ratio}[{window}])) / sum(rate(a[{window}]))");
                text = text.replace(&format!("{sign}({window})"), &written);
            }
        }
        let text = text.replace('T', "sum(rate(a[5m]))");
        let text = format!("groups: [{{name: g, rules: [{{alert: Burn, expr: '{text}'}}]}}]");
        let files = [RuleFile { path: String::new(), groups: crate::rules::manifest::read(&text).unwrap() }];
        let findings = assess(&files, &SloPolicy::default());
        findings.into_iter().map(|one| (one.outcome, one.observed)).collect()
    }

    #[test]
    fn windows_belong_together_only_where_both_must_hold() {
        let (fast, slow) =
            ("(E(1h) > 14.4 * 0.001 and E(5m) > 14.4 * 0.001)", "(E(6h) > 6 * 0.001 and E(30m) > 6 * 0.001)");
        assert_eq!(outcomes(&format!("{fast} or {slow}"))[0].0, Outcome::Passed);
        let either = outcomes("E(1h) > 14.4 * 0.001 or E(5m) > 14.4 * 0.001");
        let says: Vec<&str> = either.iter().map(|(_, observed)| observed.as_str()).collect();
        assert!(says.contains(&"only the window 1h") && says[1].starts_with("14.4 over 5m"), "{says:?}");
        let crossed = outcomes("(E(1h) > 14.4 * 0.001 or E(6h) > 6 * 0.001) and E(5m) > 14.4 * 0.001");
        assert!(crossed.iter().any(|(outcome, _)| *outcome == Outcome::Failed), "{crossed:?}");
    }

    #[test]
    fn both_windows_are_of_one_ratio_and_a_ratio_is_of_one_window() {
        let one = |of: &str, window: &str| format!("sum(rate({of}[{window}])) / sum(rate(a[{window}]))");
        let long = one("e", "1h");
        for (short, budget, says) in [
            (one("e", "5m"), "0.001", None),
            (one("e", "5m"), "(1 - 0.999)", None),
            (one("e", "5m"), "0.01", Some("of different budgets: 0.001000 and 0.010000")),
            (one("other", "5m"), "0.001", Some("of different series: a, e and a, other")),
            (one("e{code=\"500\"}", "5m"), "0.001", Some("of different series")),
            (
                "sum(rate(e[5m] offset 1h)) / sum(rate(a[5m]))".to_owned(),
                "0.001",
                Some("a ratio over 5m and 5m offset 1h"),
            ),
            (
                "sum(rate(e[5m] offset 1h)) / sum(rate(a[5m] offset 1h))".to_owned(),
                "0.001",
                Some("of different series: a, e and a offset #, e offset #"),
            ),
            ("sum(rate(e[5m])) / sum(rate(a[1h]))".to_owned(), "0.001", Some("a ratio over 1h and 5m")),
        ] {
            let found = outcomes(&format!("{long} > 14.4 * 0.001 and {short} > 14.4 * {budget}"));
            let warned = found.iter().find(|(_, observed)| says.is_some_and(|says| observed.contains(says)));
            match says {
                None => {
                    assert_eq!(found[0], (Outcome::Passed, "factor and windows agree".to_owned()), "{short}")
                }
                Some(_) => assert_eq!(
                    warned.map(|(outcome, _)| *outcome),
                    Some(Outcome::Warned),
                    "{short}: {found:?}"
                ),
            }
        }
    }

    #[test]
    fn a_recorded_ratio_bears_its_window_in_its_name() {
        for (long, short, same) in [
            ("errors:ratio_rate1h", "errors:ratio_rate5m", true),
            ("slo:r1h{slo=\"a\",window=\"1h\"}", "slo:r5m{slo=\"a\",window=\"5m\"}", true),
            ("http2:ratio_rate1h", "http3:ratio_rate5m", false),
            ("errors:ratio_rate1h{code=\"500\"}", "errors:ratio_rate5m{code=\"404\"}", false),
        ] {
            assert_eq!(without_windows(long) == without_windows(short), same, "{long} {short}");
        }
    }

    #[test]
    fn what_went_well_below_the_rest_is_a_burn_rate_too() {
        let of = |factor: &str| {
            outcomes(&format!("G(1h) < 1 - {factor} * 0.001 and 1 - {factor} * 0.001 > G(5m)"))
        };
        assert_eq!(of("14.4")[0].0, Outcome::Passed);
        assert_eq!(of("20")[0].0, Outcome::Failed);
    }

    #[test]
    fn a_least_traffic_guards_only_the_branch_in_which_it_stands() {
        let (fast, slow) =
            ("(E(1h) > 14.4 * 0.001 and E(5m) > 14.4 * 0.001)", "(E(6h) > 6 * 0.001 and E(30m) > 6 * 0.001)");
        let guarded = |expr: String| !outcomes(&expr).last().unwrap().1.contains("no least traffic");
        assert!(guarded(format!("({fast} or {slow}) and T > 1")));
        assert!(!guarded(format!("{fast} or {slow} and T > 1")), "`and` binds before `or`");
    }

    #[test]
    fn what_is_no_burn_rate_is_left_alone() {
        for expr in
            ["up == 0", "time() - x > 2 * 3600", "rate(x[5m]) > 0.05", "x > 2 * 0.1", "rate(x[5m]) > 2 * 0.1"]
        {
            let text = format!("groups: [{{name: g, rules: [{{alert: Other, expr: '{expr}'}}]}}]");
            let files =
                [RuleFile { path: String::new(), groups: crate::rules::manifest::read(&text).unwrap() }];
            assert_eq!(assess(&files, &SloPolicy::default()), [], "{expr}");
        }
    }
}
