//! `dashboard -o FILE.html`: the tracker, its gate and its evidence as one page that a browser opens from the disk.
//! Read like `check` and `gate` read; nothing is judged here that they do not judge.

mod chart;
mod gates;
mod links;
mod page;
mod state;
mod view;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use links::Links;
use view::{Beside, View};

use super::{
    CommandError,
    artefacts::{Seen, history_of},
    cli::TrackerPlace,
    tracker::{Item, Tracker},
};
use crate::run::{self, Usage};

#[derive(Debug, Args)]
pub(super) struct DashboardPlace {
    #[command(flatten)]
    place: TrackerPlace,
    /// The page to write; - for standard output
    #[arg(short, long, value_name = "FILE.html")]
    output: PathBuf,
    /// Address below which the repository's files are found, for a page that is read elsewhere
    /// [default: links lead to the files beside the page]
    #[arg(long, value_name = "URL", value_parser = address)]
    link_base: Option<String>,
}

impl DashboardPlace {
    /// What `--dry-run` says.
    pub(super) fn plan(&self) -> String {
        format!("{}would write {}\n", self.place.plan(), self.output.display())
    }

    /// Makes the page. The exit code says whether it was written, not what it says: `gate` does that.
    pub(super) fn make(&self) -> Result<ExitCode, CommandError> {
        let looked = self.place.look()?;
        let root = absolute(&self.place.root());
        let histories = histories(&root, &looked.tracker, &looked.seen);
        let file = absolute(self.place.tracker());
        let file = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
        let view =
            View::of(looked.question(), file, &looked.required.policy.gates(&looked.tracker), &histories);
        let to_standard_output = self.output == Path::new("-");
        let links = match &self.link_base {
            Some(address) => Links::Below(address.clone()),
            None if to_standard_output => Links::from(&absolute(Path::new("page.html")), &root),
            None => Links::from(&absolute(&self.output), &root),
        };
        let page = page::page(&view, &links);
        if to_standard_output {
            run::print(&page)?;
        } else {
            run::write("the page", &self.output, &page)?;
            let told = view.gates.iter().map(|gate| {
                let count = gate.count().map_or_else(String::new, |count| format!(", {count}"));
                format!("the {} gate is {}{count}", gate.name, gate.word())
            });
            run::print(&format!("{}: {}\n", self.output.display(), told.collect::<Vec<_>>().join("; ")))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The histories beside the evidence that the tracker names. One that cannot be read has no trends; whether it is
/// whole is asked by `history verify`.
fn histories(root: &Path, tracker: &Tracker, seen: &Seen) -> Vec<Beside> {
    let files =
        tracker.items.iter().flat_map(Item::paths).flat_map(|evidence| &seen.artefact(evidence).files);
    let evidence: BTreeSet<_> =
        files.map(|file| file.path.clone()).filter(|path| path.ends_with(".md")).collect();
    let histories = evidence
        .into_iter()
        .filter_map(|evidence| Some(Beside { chain: history_of(&root.join(&evidence))?, evidence }));
    histories.collect()
}

fn absolute(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else { return absolute };
    std::fs::canonicalize(&absolute)
        .or_else(|_| std::fs::canonicalize(folder).map(|folder| folder.join(name)))
        .unwrap_or(absolute)
}

/// Only what a browser opens without running it.
fn address(text: &str) -> Result<String, Usage> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control()) => {
            Ok(text.to_owned())
        }
        _ => Err(Usage(format!("'{text}' is no address: it begins with https:// or http://"))),
    }
}
