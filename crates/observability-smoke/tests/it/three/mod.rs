//! Prometheus 3 and a current Alertmanager: real ones, which `scripts/prometheus-three` fetches, and the answers that
//! these gave once (`tests/recorded/`), for machines that cannot fetch them.

use std::path::{Path, PathBuf};

mod answers;
mod expressions;
mod names;
mod offset;
mod scrapes;

/// A program of those that were fetched.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(default, PathBuf::from);
    let program = target.join("prometheus-three/bin").join(name);
    if program.exists() {
        return Some(program);
    }
    println!("skipped: {name} of Prometheus 3 is not here; scripts/prometheus-three fetches it");
    None
}
