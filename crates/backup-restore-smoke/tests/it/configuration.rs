//! The configuration file as the documentation shows it, and what is said of a mistake in it.

use crate::tool::{Ended, Tool};

fn planned(text: &str) -> Ended {
    let tool = Tool::new();
    let config = tool.file("rehearsal.yaml", text);
    tool.file("shop.dump", "PGDMP");
    tool.run(&["rehearse", "--config", config.to_str().unwrap(), "--dry-run"])
}

#[test]
fn a_backup_may_be_one_path_or_a_list() {
    for text in ["backup: shop.dump\n", "backup: [shop.dump]\n", "backup:\n- shop.dump\nbackup_age: 6h\n"] {
        let ended = planned(text);
        ended.assert_code(0);
        assert!(ended.stdout.contains("shop.dump\"") && ended.stdout.contains("custom"), "{}", ended.stdout);
    }
    let wrong = planned("backup: {shop: dump}\n");
    assert!(wrong.code == Some(3) && wrong.stderr.contains("a path, or a list of paths"), "{}", wrong.stderr);
}

#[test]
fn an_expectation_that_is_none_is_told_what_there_is() {
    for wrong in ["{value: 34}", "{rows: -1}", "maybe", "{value: x, rows: 1}"] {
        let ended = planned(&format!(
            "source: service=shop\nassertions:\n- {{name: a, sql: SELECT 1, expect: {wrong}}}\n"
        ));
        assert!(
            ended.code == Some(3)
                && ended.stderr.contains("at_least: 1000")
                && ended.stderr.contains("line 3"),
            "{wrong}: {}",
            ended.stderr
        );
    }
}
