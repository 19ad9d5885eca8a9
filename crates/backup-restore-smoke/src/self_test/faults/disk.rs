//! A small disk of its own for a rehearsal: a file system in memory, in a mount namespace that nobody else
//! sees and that ends with the rehearsal.

use evidence_report::run::child::find_program;

use crate::self_test::{
    fault::Scene,
    workshop::{Bench, Trouble},
};

/// What is said of a disk that runs full: a program that writes to it notices, or the eye on the disk is the first.
pub(super) const FULL: &[&str] = &["No space left", "could not extend file", "bytes were free"];

const MOUNT: &str = "mount -t tmpfs -o \"$1\" tmpfs \"$2\" && shift 2 && exec \"$@\"";

/// Lets the scene be rehearsed with such a file system mounted on this folder.
pub(super) async fn on_disk(
    bench: &Bench<'_>,
    scene: Scene,
    folder: &str,
    options: &str,
) -> Result<Scene, Trouble> {
    let not_here = |why: &str| Trouble::NotHere(format!("{why}, so there is no small disk"));
    if find_program("unshare").is_none() || find_program("mount").is_none() {
        return Err(not_here("the programs unshare and mount are not installed"));
    }
    let as_root = rustix::process::geteuid().is_root();
    let namespace: &[&str] =
        if as_root { &["unshare", "--mount"] } else { &["unshare", "--user", "--map-root-user", "--mount"] };
    let words: Vec<String> = namespace
        .iter()
        .chain(&["--", "sh", "-c", MOUNT, "sh", options, folder])
        .map(|word| (*word).to_owned())
        .collect();
    let tried = bench.run.child("true").by_way_of(&words).output(bench.run.stop()).await?;
    if tried.status.success() {
        Ok(scene.by_way_of(words))
    } else {
        Err(not_here("mounting is not allowed here"))
    }
}
