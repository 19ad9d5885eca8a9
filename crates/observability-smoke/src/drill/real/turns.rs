//! Which drill alerts are posted beside each other, and which one after the other: one that mutes another by an
//! inhibit rule would keep it from its receiver, and that would be the drill's doing. Pure.

use crate::alertmanager::{Configuration, Labels};

/// The alerts in turns, within each of which none mutes another.
pub(super) fn turns<T>(
    alerts: Vec<T>,
    labels: impl Fn(&T) -> &Labels,
    configuration: &Configuration,
) -> Vec<Vec<T>> {
    let mutes = |one: &Labels, other: &Labels| configuration.mutes(one, other).is_some();
    let mut turns: Vec<Vec<T>> = Vec::new();
    for alert in alerts {
        let ours = labels(&alert);
        let beside = |other: &T| !mutes(ours, labels(other)) && !mutes(labels(other), ours);
        match turns.iter().position(|turn| turn.iter().all(beside)) {
            Some(turn) => turns[turn].push(alert),
            None => turns.push(vec![alert]),
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_that_mute_each_other_take_turns() {
        let configuration = Configuration::read(
            "route: {receiver: a}\nreceivers: [{name: a}]\ninhibit_rules:\n- {source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=\"warning\"'], equal: [service, drill]}\n",
        )
        .unwrap();
        let alert = |severity: &str, service: &str| {
            let pairs = [("severity", severity), ("service", service), ("drill", "7")];
            pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Labels>()
        };
        let alerts = vec![
            alert("warning", "shop"),
            alert("critical", "shop"),
            alert("warning", "shop"),
            alert("critical", "bank"),
        ];
        let [first, second, third, fourth] = [0, 1, 2, 3].map(|index: usize| alerts[index].clone());
        let turns = turns(alerts, |alert| alert, &configuration);
        assert_eq!(turns, [vec![first, third, fourth], vec![second]]);
    }
}
