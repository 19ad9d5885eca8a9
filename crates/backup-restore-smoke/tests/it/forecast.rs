//! Figures that are not measured say so: a forecast warns and never passes, the worst case is computed.

use crate::tool::Tool;

#[test]
fn a_forecast_carries_its_range_and_learns_from_earlier_evidence() {
    let tool = Tool::new();
    let rehearse = |more: &[&str]| {
        let mut arguments = vec!["rehearse", "--embedded", "--embedded-size", "10MB"];
        arguments.extend(more);
        tool.run(&arguments)
    };
    let ended = rehearse(&["--forecast", "800GB"]);
    ended.assert_code(0);
    let (outcome, subject, observed) = ended.finding("recovery.forecast");
    assert_eq!((outcome.as_str(), subject.as_str()), ("not_checked_optional", "a database of 800 GB"));
    assert!(observed.contains("forecast, not measured") && observed.contains("this run alone"), "{observed}");
    // The evidence of the first run stands where that of the second goes.
    let ended = rehearse(&["--forecast", "800GB", "--rto", "10m"]);
    ended.assert_code(1);
    let (outcome, _, observed) = ended.finding("recovery.forecast");
    assert!(outcome == "warned" && observed.contains("2 rehearsals, this one included"), "{observed}");
    assert_eq!(ended.finding("recovery.time").0, "passed");
    let measurements = ended.report["measurements"].to_string();
    assert!(measurements.contains("\"shortest\"") && measurements.contains("\"longest\""), "{measurements}");
}

#[test]
fn the_schedule_decides_the_objective_where_no_age_was_given() {
    let tool = Tool::new();
    let config = tool.file(
        "tool.yaml",
        "embedded: true\nembedded_size: 10MB\nrpo: 25h\nschedule: { interval: 24h, upload: 10m }\n",
    );
    let ended = tool.run(&["rehearse", "--config", config.to_str().unwrap()]);
    ended.assert_code(0);
    let (outcome, _, observed) = ended.finding("recovery.exposure");
    assert!(
        outcome == "passed" && observed.contains("computed from the schedule, not measured"),
        "{observed}"
    );
    assert_eq!(ended.finding("recovery.data_loss").0, "not_checked_optional");
    let ended = tool.run(&["rehearse", "--config", config.to_str().unwrap(), "--backup-interval", "25h"]);
    ended.assert_code(2);
    assert_eq!(ended.finding("recovery.exposure").0, "failed");
    let notes = tool.notes();
    assert!(notes.contains("### Risk note: recovery.exposure, ") && notes.contains("Accepted by"), "{notes}");
}
