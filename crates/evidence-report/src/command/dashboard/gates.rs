//! The gates: each verdict in large letters, what stands in its way item by item, and what to do now, said once.
//! Pure.

use maud::{Markup, html};

use super::{
    links::Links,
    page::many,
    view::{Gate, Reason, View},
};
use crate::record::Verdict;

/// So many items are told at once; the rest is folded.
const TOLD: usize = 12;

/// All gates; where there are several their verdicts stand above all reasons.
pub(super) fn gates(view: &View, links: &Links) -> Markup {
    html! {
        @if view.gates.len() > 1 {
            nav aria-label="Gates" {
                ul class="verdicts" {
                    @for (index, gate) in view.gates.iter().enumerate() {
                        @let (class, sign) = look(gate.verdict);
                        li class=(class) {
                            a href=(format!("#gate-{index}")) {
                                span aria-hidden="true" { (sign) " " } (gate.name) " " b { (gate.word()) }
                            }
                            @if let Some(count) = gate.count() { " " span { (count) } }
                        }
                    }
                }
            }
        }
        @for (index, one) in view.gates.iter().enumerate() { (gate(one, index, view, links)) }
    }
}

const fn look(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Passed | Verdict::Warned => ("good", "✓"),
        Verdict::Failed => ("bad", "✕"),
        Verdict::Inconclusive => ("soon", "?"),
    }
}

fn gate(gate: &Gate, index: usize, view: &View, links: &Links) -> Markup {
    let (class, sign) = look(gate.verdict);
    let id = format!("gate-{index}");
    let words = html! {
        span class="sign" aria-hidden="true" { (sign) } " The " (gate.name) " gate is " strong { (gate.word()) }
    };
    html! {
        section class=(format!("gate {class}")) aria-labelledby=(id) {
            @if index == 0 { h1 id=(id) tabindex="-1" { (words) } } @else { h2 id=(id) tabindex="-1" { (words) } }
            @if gate.reasons.is_empty() {
                p { "Nothing stands in its way." }
            } @else {
                p { (many(gate.reasons.len(), "thing stands", "things stand")) " in its way:" }
                (told(&gate.reasons, view, links))
                (remedies(gate))
            }
            @if !gate.notes.is_empty() {
                p { "To be known, though it does not stand in the way:" }
                (told(&gate.notes, view, links))
            }
        }
    }
}

/// Each subject once, and no more of them at once than one reads.
fn told(reasons: &[Reason], view: &View, links: &Links) -> Markup {
    let about = by_subject(reasons);
    let (first, rest) = about.split_at(about.len().min(TOLD));
    html! {
        ol { @for reasons in first { (subject(reasons, view, links)) } }
        @if !rest.is_empty() {
            details {
                summary { "and " (many(rest.len(), "more", "more")) }
                ol start=(TOLD + 1) { @for reasons in rest { (subject(reasons, view, links)) } }
            }
        }
    }
}

/// What is said of one item: it is named once.
fn subject(reasons: &[&Reason], view: &View, links: &Links) -> Markup {
    let Some((first, others)) = reasons.split_first() else { return html! {} };
    let place = |reason: &Reason| {
        let file = reason.file.as_deref().filter(|file| *file != view.named);
        (file.unwrap_or(&view.tracker).to_owned(), reason.line)
    };
    let (file, line) = place(first);
    html! {
        li {
            b { (links.to_line(&file, line, &first.subject)) } ": " (first.observed)
            @if !others.is_empty() {
                ul { @for other in others {
                    @let (file, line) = place(other);
                    @let named = line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
                    li { (other.observed) " " span class="where" { "(" (links.to_line(&file, line, &named)) ")" } }
                } }
            }
        }
    }
}

/// The reasons subject by subject, each subject where it comes first.
fn by_subject(reasons: &[Reason]) -> Vec<Vec<&Reason>> {
    let mut about: Vec<Vec<&Reason>> = Vec::new();
    for reason in reasons {
        match about.iter_mut().find(|known| known[0].subject == reason.subject) {
            Some(known) => known.push(reason),
            None => about.push(vec![reason]),
        }
    }
    about
}

/// What to do now: each remedy once, with those whom it is for.
fn remedies(gate: &Gate) -> Markup {
    let mut told: Vec<(&str, Vec<&str>)> = Vec::new();
    for reason in gate.reasons.iter().filter(|reason| !reason.remedy.is_empty()) {
        // `item 1 (SLO and Alert Pack)` stands above in full.
        let short = reason.subject.split(" (").next().unwrap_or_default();
        match told.iter_mut().find(|(remedy, _)| *remedy == reason.remedy) {
            Some((_, who)) if who.contains(&short) => {}
            Some((_, who)) => who.push(short),
            None => told.push((&reason.remedy, vec![short])),
        }
    }
    html! {
        @if !told.is_empty() {
            p class="now" { b { "What now" } }
            ul class="now" { @for (remedy, who) in &told {
                li { (remedy) " " span class="where" { (who[..who.len().min(TOLD)].join(", "))
                    @if who.len() > TOLD { " and " (who.len() - TOLD) " more" } } }
            } }
        }
    }
}
