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
    // Its evidence is replaced each time; the history beside it keeps the figures of all of them.
    let ended = rehearse(&["--forecast", "800GB"]);
    let observed = ended.finding("recovery.forecast").2;
    assert!(observed.contains("3 rehearsals, this one included"), "{observed}");
    // A history that was tampered with counts for nothing.
    let history = tool.path("history/evidence.jsonl");
    let text = std::fs::read_to_string(&history).unwrap();
    std::fs::write(&history, text.replacen("\"value\":\"", "\"value\":\"9", 1)).unwrap();
    let ended = rehearse(&["--forecast", "800GB"]);
    let observed = ended.finding("recovery.forecast").2;
    assert!(observed.contains("2 rehearsals, this one included"), "{observed}");
}

#[test]
fn a_size_that_no_database_has_is_refused_before_anything_is_begun() {
    let tool = Tool::new();
    for size in ["0", "800", "1B", "999kB", "800XB", "1e9", "", "1,5TB"] {
        let output = tool.bare().args(["rehearse", "--embedded", "--forecast", size]).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && stderr.contains("800GB"), "{size}: {stderr}");
    }
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
