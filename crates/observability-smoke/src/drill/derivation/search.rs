//! The search for a fault: healthy behaviours that leave the condition false, then the fewest changes that make
//! it true and keep it so. It asks the model, and is given up when that has cost too much.

use std::cell::Cell;

use promql_parser::parser::Expr;

use super::{
    Question,
    slots::{Slot, Values},
    world,
};
use crate::drill::{
    model::{Unknown, Value, World},
    series::{Behaviour, Series},
};

/// So many values are looked at before the search is given up: some tenths of a second.
pub(super) const BUDGET: u64 = 3_000_000;

pub(super) struct Search<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) slots: &'a [Slot],
    pub(super) budget: Cell<u64>,
}

/// An assignment: for each slot the number of its behaviour.
type Assignment = Vec<usize>;

impl Search<'_> {
    pub(super) fn run(&self) -> Result<Option<Vec<Series>>, Unknown> {
        let healthy = self.healthy()?;
        // First what shows at once, then what a long window shows late.
        let range = Values::of(self.question).range / self.question.scrape;
        let late: Vec<_> = [0.25, 0.5, 0.75, 1.0].map(|part| (range * part).ceil() + 3.0).into();
        for horizon in [&[1.0, 2.0, 3.0, 5.0, 8.0][..], &late] {
            // As few changes as possible, on whichever healthy values.
            for changed in 1..=self.slots.len().min(3) {
                for base in &healthy {
                    if let Some(series) = self.faulty(base, changed, horizon)? {
                        return Ok(Some(series));
                    }
                }
            }
        }
        Ok(None)
    }

    fn series(&self, healthy: &[usize], faulty: &[usize]) -> Vec<Series> {
        let one = |(slot, (healthy, faulty)): (&Slot, (&usize, &usize))| Series {
            labels: slot.labels.clone(),
            healthy: slot.options[*healthy].clone(),
            faulty: slot.options[*faulty].clone(),
        };
        self.slots.iter().zip(healthy.iter().zip(faulty)).map(one).collect()
    }

    /// Whether something is left of the budget.
    fn goes_on(&self) -> bool {
        self.budget.get() > 0
    }

    /// Whether the condition is true at that time.
    fn is_true(&self, series: &[Series], at: f64) -> Result<bool, Unknown> {
        let world = world(self.question, series, None);
        let answer = world.is_true(self.question.expression, at);
        self.budget.set(self.budget.get().saturating_sub(world.looked_at.get() + 1));
        answer
    }

    /// Assignments for which the condition is false, the most telling first: those in which every series is
    /// there and what is compared has a value.
    fn healthy(&self) -> Result<Vec<Assignment>, Unknown> {
        let mut found: Vec<(u8, Assignment)> = Vec::new();
        let mut wrong = None;
        for assignment in self.assignments() {
            if !self.goes_on() {
                break;
            }
            let series = self.series(&assignment, &assignment);
            let quiet = self
                .is_true(&series, 0.0)
                .and_then(|now| Ok(!now && !self.is_true(&series, -self.question.evaluation)?));
            match quiet {
                Ok(true) => {
                    let absent = series.iter().any(|one| one.healthy == Behaviour::Absent);
                    let silent = !has_value(&world(self.question, &series, None), self.question.expression);
                    let marginal = swayed(&series).iter().any(|series| !self.stays_quiet(series));
                    let half = self.is_true_alone(&series) == Ok(true);
                    let rank =
                        u8::from(absent) * 8 + u8::from(silent) * 4 + u8::from(marginal) * 2 + u8::from(half);
                    found.push((rank, assignment));
                }
                Ok(false) => {}
                Err(Unknown::Wrong(why)) => wrong = Some(Unknown::Wrong(why)),
                Err(unsupported) => return Err(unsupported),
            }
            if found.iter().filter(|(rank, _)| *rank == 0).count() >= KEPT {
                break;
            }
        }
        found.sort_by_key(|(rank, _)| *rank);
        found.truncate(KEPT);
        match (found.is_empty(), wrong) {
            (true, Some(wrong)) => Err(wrong),
            _ => Ok(found.into_iter().map(|(_, assignment)| assignment).collect()),
        }
    }

    /// Whether the first of several conditions that are joined by `and` is true already: then the fault would
    /// be made of the others, of a guard against low traffic for example.
    fn is_true_alone(&self, series: &[Series]) -> Result<bool, Unknown> {
        let mut first = self.question.expression;
        loop {
            first = match first {
                Expr::Paren(paren) => &paren.expr,
                Expr::Binary(binary) if binary.op.to_string() == "and" => &binary.lhs,
                _ => break,
            };
        }
        world(self.question, series, None).is_true(first, 0.0)
    }

    /// Whether healthy series leave the condition false, now and when the longest range is full of them.
    fn stays_quiet(&self, series: &[Series]) -> bool {
        let settled = Values::of(self.question).range + 2.0 * self.question.scrape;
        [0.0, settled].iter().all(|at| self.is_true(series, *at) == Ok(false))
    }

    /// All combinations of the first three options (0, 1, 100), then each with one slot at any of its options.
    fn assignments(&self) -> Vec<Assignment> {
        let count = self.slots.len();
        let mut core: Vec<Assignment> = vec![Vec::new()];
        for slot in self.slots {
            let choices = if count <= 6 { slot.options.len().min(3) } else { 1 };
            core = core
                .iter()
                .flat_map(|head| {
                    (0..choices).map(move |option| head.iter().copied().chain([option]).collect())
                })
                .collect();
        }
        let mut all = core.clone();
        for base in core.iter().take(81) {
            for (index, slot) in self.slots.iter().enumerate() {
                for option in 3..slot.options.len() {
                    let mut one = base.clone();
                    one[index] = option;
                    all.push(one);
                }
            }
        }
        let absent: Assignment = self.slots.iter().map(|slot| slot.options.len() - 1).collect();
        all.push(absent);
        all
    }

    /// Changes so many series until the condition becomes true, and holds as long as it must.
    fn faulty(
        &self,
        healthy: &Assignment,
        changed: usize,
        horizon: &[f64],
    ) -> Result<Option<Vec<Series>>, Unknown> {
        for subset in subsets(self.slots.len(), changed) {
            let mut faulty = healthy.clone();
            if let Some(series) = self.change(healthy, &mut faulty, &subset, horizon)? {
                return Ok(Some(series));
            }
            if !self.goes_on() {
                return Ok(None);
            }
        }
        Ok(None)
    }

    fn change(
        &self,
        healthy: &Assignment,
        faulty: &mut Assignment,
        subset: &[usize],
        horizon: &[f64],
    ) -> Result<Option<Vec<Series>>, Unknown> {
        let Some((slot, rest)) = subset.split_first() else {
            let series = self.series(healthy, faulty);
            return Ok(if self.goes_on() && self.fires(&series, horizon)? { Some(series) } else { None });
        };
        for option in 0..self.slots[*slot].options.len() {
            if option == healthy[*slot] {
                continue;
            }
            faulty[*slot] = option;
            if let Some(series) = self.change(healthy, faulty, rest, horizon)? {
                return Ok(Some(series));
            }
        }
        Ok(None)
    }

    /// Whether the condition becomes true, and holds; also with a growth that is a little off.
    fn fires(&self, series: &[Series], horizon: &[f64]) -> Result<bool, Unknown> {
        if !self.fires_exactly(series, horizon)? {
            return Ok(false);
        }
        for swayed in swayed(series) {
            if !self.fires_exactly(&swayed, horizon)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn fires_exactly(&self, series: &[Series], horizon: &[f64]) -> Result<bool, Unknown> {
        let is_true = |at: f64| match self.is_true(series, at) {
            Err(Unknown::Wrong(_)) => Ok(false),
            other => other,
        };
        let holds = |from: f64| -> Result<bool, Unknown> {
            let end = self.question.hold + self.question.evaluation * 2.0;
            Ok(is_true(from)? && is_true(from + end / 2.0)? && is_true(from + end)?)
        };
        for scrapes in horizon {
            if holds(scrapes * self.question.scrape)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The series with the growth of one of them a tenth more or less: scrapes are never exactly on time, so that
/// what is only just true, or only just false, flaps.
fn swayed(series: &[Series]) -> Vec<Vec<Series>> {
    let sway = |behaviour: &Behaviour, by: f64| match behaviour {
        Behaviour::Growing(growth) => Behaviour::Growing(growth * by),
        Behaviour::Sloping(slope) => Behaviour::Sloping(slope * by),
        other => other.clone(),
    };
    let grows = |one: &Series| {
        [&one.healthy, &one.faulty].iter().any(
            |behaviour| matches!(behaviour, Behaviour::Growing(by) | Behaviour::Sloping(by) if *by != 0.0),
        )
    };
    let mut all = Vec::new();
    for index in (0..series.len()).filter(|index| grows(&series[*index])) {
        for by in [0.9, 1.1] {
            let mut one = series.to_vec();
            one[index].healthy = sway(&series[index].healthy, by);
            one[index].faulty = sway(&series[index].faulty, by);
            all.push(one);
        }
    }
    all
}

/// So many healthy assignments are tried.
const KEPT: usize = 24;

/// Whether the sides of the outermost comparison have values.
fn has_value(world: &World<'_>, expression: &Expr) -> bool {
    match expression {
        Expr::Paren(paren) => has_value(world, &paren.expr),
        Expr::Binary(binary) if binary.op.is_set_operator() => {
            has_value(world, &binary.lhs) && has_value(world, &binary.rhs)
        }
        Expr::Binary(binary) if binary.op.is_comparison_operator() => {
            [&binary.lhs, &binary.rhs].iter().all(|side| match world.evaluate(side, 0.0) {
                Ok(Value::Scalar(value)) => value.is_finite(),
                Ok(Value::Vector(elements)) => {
                    !elements.is_empty() && elements.iter().all(|(_, value)| value.is_finite())
                }
                Err(_) => false,
            })
        }
        _ => true,
    }
}

fn subsets(count: usize, size: usize) -> Vec<Vec<usize>> {
    if size == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in 0..count {
        for rest in subsets(count - first - 1, size - 1) {
            all.push(std::iter::once(first).chain(rest.into_iter().map(|index| index + first + 1)).collect());
        }
    }
    all
}
