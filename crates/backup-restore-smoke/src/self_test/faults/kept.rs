//! Backups that are kept, as a policy lists them: files of some size and age. Nothing of them is restored.

use std::time::{Duration, SystemTime};

use crate::self_test::{
    fault::Scene,
    workshop::{Bench, Trouble},
};

const HOUR: Duration = Duration::from_secs(3600);

/// Makes a file for each age in hours and size in bytes, and gives the pattern that fits them.
pub(super) fn kept(bench: &Bench<'_>, files: &[(u32, usize)]) -> Result<String, Trouble> {
    let folder = bench.make_folder("backups")?;
    for (number, (hours, bytes)) in files.iter().enumerate() {
        let path = bench.write(&format!("backups/shop-{number}.dump"), &"x".repeat(*bytes), 0o600)?;
        let file = std::fs::OpenOptions::new().write(true).open(path)?;
        file.set_modified(SystemTime::now() - HOUR * *hours)?;
    }
    Ok(format!("{folder}/shop-*.dump"))
}

/// A look at them with these rules.
pub(super) fn policy(bench: &Bench<'_>, pattern: &str, rules: &[&str]) -> Scene {
    bench.typed(["policy", "--files", pattern]).with_words(rules.iter().copied())
}
