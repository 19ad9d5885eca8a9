//! What a dump contains is code: it must not reach what belongs to whoever runs the rehearsal.

use std::fs;

use crate::tool::Tool;

#[test]
fn code_in_the_copy_cannot_write_a_file_of_root() {
    if !rustix::process::geteuid().is_root() {
        // Without root there is nobody else's user to run the server as.
        return;
    }
    let tool = Tool::new();
    let precious = tool.file("precious", "mine\n");
    let hostile = tool.file(
        "hostile.sql",
        &format!("COPY (SELECT 'overwritten') TO PROGRAM 'cat > ''{}'''", precious.display()),
    );
    let ended = tool.run(&["rehearse", "--embedded", "--after-restore", hostile.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&precious).unwrap(), "mine\n");
    let steps = ended.findings("restore.steps");
    assert!(matches!(steps.as_slice(), [(outcome, ..)] if outcome == "failed"), "{steps:?}");
    assert_eq!(ended.code, Some(2), "{}", ended.stdout);
    tool.assert_nothing_left();
}
