//! The page: one self-contained HTML document, without scripts, that asks nothing of any network. Every word of
//! users is escaped by the markup; links lead to files only. Pure.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    chart, gates,
    links::Links,
    state::{Shown, State},
    view::{Course, Drill, Entry, Expiry, Family, Row, Standing, View, day},
};
use crate::{
    command::tracker::Status,
    history::Trend,
    record::{Objective, Verdict},
};

/// Colours, light and dark, phone and paper.
const STYLE: &str = include_str!("style.css");

/// Nothing may be loaded or run, whatever got in.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// So many certificates are drawn; the evidence has them all.
const CERTIFICATES: usize = 20;

/// So many drills are listed.
const DRILLS: usize = 12;

/// The whole page.
pub(super) fn page(view: &View, links: &Links) -> String {
    let at = view.now.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let gates: Vec<_> = view.gates.iter().map(|gate| format!("{} gate {}", gate.name, gate.word())).collect();
    let title = format!("{}: operations readiness, {}", gates.join(", "), day(view.now));
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#items" { "To the items" }
                header {
                    p class="made" {
                        "Operations readiness, from " (links.to_line(&view.tracker, None, &view.tracker))
                        ", as of " time datetime=(view.now.to_string()) { (at) }
                    }
                    (gates::gates(view, links))
                    (tiles(view))
                }
                main {
                    (items(view, links))
                    (trends(view, links))
                    (certificates(view, links))
                    (calendar(&view.calendar, links))
                    (drills(&view.drills, links))
                }
                footer {
                    p {
                        "Made by evidence-report from the sealed records of the evidence files. "
                        "A page shows what was so when it was made: make it anew before you decide."
                    }
                }
            }
        }
    };
    markup.into_string()
}

/// The counts that are asked for first.
fn tiles(view: &View) -> Markup {
    let evidence = || view.items.iter().flat_map(|row| &row.evidence);
    let is_bad = |shown: &&Shown| {
        matches!(
            shown.state,
            State::Missing | State::NotYet | State::Altered | State::NotPassed(_) | State::Expired(_)
        )
    };
    let tile = |number: usize, words: &str, class: &str| {
        html! { li class=(if number > 0 { class } else { "" }) { b { (number) } " " span { (words) } } }
    };
    let done = view.count(Status::Done);
    let in_state = |is: fn(&State) -> bool| evidence().filter(|shown| is(&shown.state)).count();
    let bad = evidence().filter(is_bad).count();
    let soon = in_state(|state| matches!(state, State::NotForLong(_)));
    let by_hand = in_state(|state| matches!(state, State::ByHand));
    let valid = in_state(|state| matches!(state, State::Valid(_)));
    html! {
        ul class="tiles" aria-label="In numbers" {
            li class=(if done > 0 { "good" } else { "" }) {
                b { (done) } " " span { "of " (many(view.items.len(), "item", "items")) " done" }
            }
            (tile(view.count(Status::InProgress), "in progress", ""))
            (tile(view.count(Status::Open), "open", "soon"))
            (tile(valid, "verified evidence", "good"))
            (tile(by_hand, "by hand, unverified", ""))
            (tile(soon, "valid not for long", "soon"))
            (tile(bad, "missing, expired or failed", "bad"))
        }
    }
}

fn items(view: &View, links: &Links) -> Markup {
    html! {
        section aria-labelledby="items" {
            h2 id="items" tabindex="-1" { "Items" }
            div class="wide" tabindex="0" role="group" aria-labelledby="items" {
                table class="items" {
                    thead { tr {
                        th scope="col" { "#" } th scope="col" { "Item" } th scope="col" { "Status" }
                        th scope="col" { "Owner" } th scope="col" { "Target" } th scope="col" { "Evidence" }
                    } }
                    tbody { @for row in &view.items { (item(row, &view.tracker, links)) } }
                }
            }
        }
    }
}

fn item(row: &Row, tracker: &str, links: &Links) -> Markup {
    let (status, class) = match row.status {
        Some(Status::Done) => ("done", "good"),
        Some(Status::InProgress) => ("in progress", "going"),
        Some(Status::Open) => ("open", "soon"),
        None => ("no status", "bad"),
    };
    let (freshness, worst) = row.freshness();
    html! {
        tr {
            td class="number" data-label="Item" { (row.number) }
            th scope="row" data-number=(row.number) {
                (links.to_line(tracker, Some(row.line), &row.title))
                @if !row.pending.is_empty() {
                    details {
                        summary { (many(row.pending.len(), "thing", "things")) " pending" }
                        ul { @for pending in &row.pending { li { (pending) } } }
                    }
                }
            }
            td data-label="Status" { span class=(format!("chip {class}")) { (status) } }
            td data-label="Owner" { (row.owner.as_deref().unwrap_or("nobody")) }
            td data-label="Target" {
                (row.target.as_deref().unwrap_or("none"))
                @if let Some(due) = row.due { span class="due" { " by " time datetime=(day(due)) { (day(due)) } } }
            }
            td data-label="Evidence" {
                span class=(format!("dot {}", class_of(worst))) { (freshness) }
                @if !row.evidence.is_empty() {
                    details {
                        summary { (many(row.evidence.len(), "file", "files")) }
                        ul { @for shown in &row.evidence {
                            // A link to nothing would lead nowhere.
                            li { @if shown.state == State::Missing { (shown.path) } @else { (links.to_file(&shown.path, &shown.path)) } " " span class=(format!("dot {}", class_of(Some(&shown.state)))) { (shown.state.words()) } }
                        } }
                    }
                }
            }
        }
    }
}

fn class_of(state: Option<&State>) -> &'static str {
    match state {
        None
        | Some(State::Missing | State::NotYet | State::Altered | State::NotPassed(_) | State::Expired(_)) => {
            "bad"
        }
        Some(State::NotForLong(_)) => "soon",
        Some(State::Valid(_)) => "good",
        Some(State::ByHand | State::Present) => "plain",
    }
}

fn trends(view: &View, links: &Links) -> Markup {
    html! {
        section aria-labelledby="trends" {
            h2 id="trends" { "Measured, from run to run" }
            @if view.trends.is_empty() {
                p class="none" { "No history yet: recovery time, data loss and time to notify appear here with the first runs of backup-restore-smoke and observability-smoke." }
            } @else {
                div class="cards" { @for course in &view.trends { (card(course, links)) } }
            }
        }
    }
}

fn card(course: &Course, links: &Links) -> Markup {
    let trend = &course.trend;
    let Some(last) = trend.points.last() else { return html! {} };
    let words = in_words(&trend.metric);
    let name = match course.family {
        Family::Recovery => "Recovery time",
        Family::Loss => "Data loss",
        Family::Notification => "Time to notify",
        Family::Other => words.as_str(),
    };
    let labels = labels(trend);
    let missed = chart::is_missed(last.value.to_f64(), trend.objective.as_ref());
    let spoken = format!(
        "{name}: {} {} in the newest of {}",
        last.value,
        trend.unit,
        many(trend.points.len(), "run", "runs")
    );
    html! {
        figure class=(if missed { "card bad" } else { "card" }) {
            figcaption {
                b { (name) } " " span class="chip" { (trend.environment) }
                @if !labels.is_empty() { " " span class="labels" { (labels) } }
            }
            p class="value" { (links.to_file(&course.evidence, &last.value.to_string())) " " (trend.unit)
                @if let Some(clock) = clock(last.value.to_f64(), &trend.unit) { " " span class="left" { (clock) } }
                @if missed { " " span class="chip bad" { "missed" } } }
            (chart::course(course, &spoken))
            @if let [first, .., newest] = course.finished.as_slice() {
                p class="days" aria-hidden="true" { span { (days(first)) } span { (days(newest)) } }
            }
            @if let Some(objective) = &trend.objective {
                p class="objective" { (objective_words(objective, &trend.unit)) ", missed in " (trend.missed) " of " (many(trend.points.len(), "run", "runs")) }
            }
            details {
                summary { "Numbers" }
                table {
                    thead { tr { th scope="col" { "Run" } th scope="col" { "Finished" } th scope="col" { (trend.unit) } } }
                    tbody { @for (point, finished) in trend.points.iter().zip(&course.finished).rev() {
                        tr { td { (point.run) } td { (finished) } td { (point.value) } }
                    } }
                }
            }
        }
    }
}

/// `k6_http_req_duration` → `K6 http req duration`; the unit stands beside the number.
fn in_words(metric: &str) -> String {
    let words = metric.trim_end_matches("_seconds").replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Seconds from two minutes on as people say them: `29 min 56 s`.
fn clock(value: f64, unit: &str) -> Option<String> {
    if unit != "s" || !(120.0..1e9).contains(&value) {
        return None;
    }
    let seconds = value as u64;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    Some(match hours {
        0 => format!("{minutes} min {} s", seconds % 60),
        _ => format!("{hours} h {minutes} min"),
    })
}

/// The day of a moment as a record writes it.
fn days(finished: &str) -> &str {
    finished.get(..10).unwrap_or(finished)
}

/// How long until then: days, where it is more than two.
fn left(now: jiff::Timestamp, at: jiff::Timestamp) -> String {
    let hours = now.duration_until(at).as_hours();
    if hours < 48 {
        format!("in {}", many(usize::try_from(hours).unwrap_or(0), "hour", "hours"))
    } else {
        format!("in {} days", hours / 24)
    }
}

/// What a number is of. A bare number says nothing without its name: `time scale 20`.
fn labels(trend: &Trend) -> String {
    let words = trend.labels.iter().map(|label| match label.value.parse::<f64>() {
        Ok(_) => format!("{} {}", label.name.replace('_', " "), label.value),
        Err(_) => label.value.clone(),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn objective_words(objective: &Objective, unit: &str) -> String {
    let (word, limit) = match objective {
        Objective::AtMost(limit) => ("most", limit),
        Objective::AtLeast(limit) => ("least", limit),
    };
    let blank = if unit.is_empty() { "" } else { " " };
    format!("At {word} {limit}{blank}{unit}")
}

fn certificates(view: &View, links: &Links) -> Markup {
    let all = view.certificates.len();
    html! {
        section aria-labelledby="certificates" {
            h2 id="certificates" { "Certificates, the soonest end first" }
            @if view.certificates.is_empty() {
                p class="none" { "No evidence about certificates; " code { "cert-expiry-check scan" } " makes it." }
            } @else {
                div class="wide" tabindex="0" role="group" aria-labelledby="certificates" {
                    table class="certificates" {
                        thead { tr { th scope="col" { "Ends" } th scope="col" { span class="unseen" { "Time left" } (chart::axis()) } th scope="col" { "Where" } } }
                        tbody { @for expiry in view.certificates.iter().take(CERTIFICATES) { (certificate(expiry, view, links)) } }
                    }
                }
                @if all > CERTIFICATES { p class="none" { "and " (all - CERTIFICATES) " more, all later." } }
            }
        }
    }
}

fn certificate(expiry: &Expiry, view: &View, links: &Links) -> Markup {
    html! {
        tr {
            td {
                (day(expiry.at)) " "
                @if expiry.at <= view.now { span class="chip bad" { "expired" } }
                @else { span class="left" { (left(view.now, expiry.at)) } }
            }
            td { (chart::bar(expiry, view.now)) }
            td { (links.to_file(&expiry.evidence, &expiry.subject)) }
        }
    }
}

/// What of the calendar is shown.
const PLANNED: usize = 20;

fn calendar(entries: &[Entry], links: &Links) -> Markup {
    html! {
        section aria-labelledby="calendar" {
            h2 id="calendar" { "Drill calendar" }
            @if entries.is_empty() {
                p class="none" { "The policy names no calendar of drills (a rule " code { "drills" } ")." }
            } @else {
                div class="wide" tabindex="0" role="group" aria-labelledby="calendar" {
                    table class="stack" {
                        thead { tr { th scope="col" { "Planned" } th scope="col" { "Drill" } th scope="col" { "Kind" } th scope="col" { "Standing" } } }
                        tbody { @for entry in entries.iter().take(PLANNED) {
                            tr {
                                td data-label="Planned" { @match entry.planned { Some(day) => { (day) } None => { "–" } } }
                                td class="what" { (links.to_line(&entry.file, Some(entry.line), &entry.drill)) }
                                td data-label="Kind" { (entry.kind) }
                                td data-label="Standing" { span class=(format!("chip {}", match entry.standing {
                                    Standing::Overdue => "bad", Standing::In(0..=7) => "soon",
                                    Standing::In(_) => "", Standing::Executed(_) => "good",
                                })) { (entry.standing.words()) } }
                            }
                        } }
                    }
                }
                @if entries.len() > PLANNED { p class="none" { "and " (entries.len() - PLANNED) " that were executed earlier, or are planned later." } }
            }
        }
    }
}

fn drills(drills: &[Drill], links: &Links) -> Markup {
    html! {
        section aria-labelledby="drills" {
            h2 id="drills" { "Drills with evidence" }
            @if drills.is_empty() {
                p class="none" { "None yet; " code { "evidence-report drill start" } " begins one." }
            } @else {
                div class="wide" tabindex="0" role="group" aria-labelledby="drills" {
                    table class="stack" {
                        thead { tr { th scope="col" { "Finished (UTC)" } th scope="col" { "Drill" } th scope="col" { "Where" } th scope="col" { "Outcome" } } }
                        tbody { @for drill in drills.iter().take(DRILLS) {
                            tr {
                                td data-label="Finished" { (drill.finished.trim_end_matches('Z').replace('T', " ")) }
                                td class="what" { (links.to_file(&drill.evidence, &drill.title)) }
                                td data-label="Where" { (drill.environment) }
                                td data-label="Outcome" { span class=(format!("chip {}", match drill.verdict {
                                    Verdict::Passed => "good", Verdict::Failed => "bad", _ => "soon",
                                })) { (drill.verdict) } }
                            }
                        } }
                    }
                }
                @if drills.len() > DRILLS { p class="none" { "and " (drills.len() - DRILLS) " earlier ones." } }
            }
        }
    }
}

/// `1 thing`, `2 things`.
pub(super) fn many(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}
