//! The folders and patterns of a scan: which files they lead to, and whether they led to anything.

use evidence_report::{
    formats::Format,
    record::Finding,
    run::{Run, Stop},
};
use tokio::task::spawn_blocking;

use super::cut_off;
use crate::{
    assess::{Judged, file},
    checks::FILES_FOUND,
    outputs::exporters,
    plan::Plan,
    targets::{
        Target,
        files::{FoundFile, Search},
    },
    wording::printable,
};

/// A folder or pattern, and what became of its files.
#[derive(Debug)]
pub(super) struct Source {
    name: String,
    with_certificates: usize,
    without: usize,
    /// Files that have a finding of their own instead of a certificate, and those that an earlier target led
    /// to already.
    pub(super) spoken_for: usize,
}

/// A file that is to be looked at, with the number of its group and of the source that led to it.
type ToLookAt = (usize, FoundFile, Option<usize>);

/// The files behind all paths and patterns, each once, and the sources.
pub(super) async fn search(plan: &Plan, run: &Run) -> (Vec<ToLookAt>, Vec<Source>) {
    let (mut files, mut sources) = (Vec::new(), Vec::new());
    let mut search = Search::default();
    let targets: Vec<_> = super::others(plan).collect();
    for (group, target) in files_first(&targets) {
        let (stop, name, target) = (run.stop().clone(), target.to_string(), target.clone());
        // Nothing tells how long a file system on the network takes: the wait for it ends with the run.
        let searching = spawn_blocking(move || follow(&target, search, &stop));
        let searched = run.stop().guard(searching).await;
        if searched.is_err() || run.stop().is_requested() {
            run.finding(cut_off(&FILES_FOUND, &name, run));
        }
        let Ok(Ok((done, is_many))) = searched else {
            search = Search::default();
            continue;
        };
        search = done;
        let source = is_many.then(|| {
            let cut = usize::from(run.stop().is_requested());
            let spoken_for = search.unreadable.len() + search.known + cut;
            sources.push(Source { name, with_certificates: 0, without: 0, spoken_for });
            sources.len() - 1
        });
        for (path, error) in &search.unreadable {
            let subject = printable(&path.to_string_lossy(), 200);
            let finding = file::unreadable(&subject, error).at(subject.as_str(), None);
            if run.wants(Format::Textfile) {
                run.series(exporters::unreadable(&finding));
            }
            run.finding(finding);
        }
        files.extend(search.files.drain(..).map(|file| (group, file, source)));
    }
    (files, sources)
}

/// Files that were named outright come first: they are judged more strictly than those that merely lie in a
/// folder, and each file is looked at once.
fn files_first<'t>(targets: &'t [(usize, &'t Target)]) -> impl Iterator<Item = (usize, &'t Target)> {
    let is_file = |(_, target): &(usize, &Target)| matches!(target, Target::Path(path) if !path.is_dir());
    let is_many = |(_, target): &(usize, &Target)| match target {
        Target::Path(path) => path.is_dir(),
        Target::Pattern(_) => true,
        Target::Endpoint(_) | Target::Network(_) | Target::Remote(_) => false,
    };
    targets.iter().copied().filter(is_file).chain(targets.iter().copied().filter(is_many))
}

/// Follows one target, and says whether it may stand for several files. It blocks.
fn follow(target: &Target, mut search: Search, stop: &Stop) -> (Search, bool) {
    search.next();
    let keep_on = || !stop.is_requested();
    match target {
        Target::Path(path) => {
            search.path(path, &keep_on);
            (search, path.is_dir())
        }
        Target::Pattern(pattern) => {
            if let Err(error) = search.pattern(pattern, &keep_on) {
                search.unreadable.push((pattern.into(), std::io::Error::other(error)));
            }
            (search, true)
        }
        Target::Endpoint(_) | Target::Network(_) | Target::Remote(_) => (search, false),
    }
}

impl Source {
    pub(super) fn count(&mut self, judged: &Judged) {
        let says_nothing = || judged.findings.iter().all(|finding| finding.outcome.verdict().is_none());
        if !judged.sightings.is_empty() {
            self.with_certificates += 1;
        } else if says_nothing() {
            self.without += 1;
        } else {
            self.spoken_for += 1;
        }
    }

    /// Whether the source yielded anything; where something in it has a finding of its own, that speaks for
    /// it.
    pub(super) fn finding(&self) -> Option<Finding> {
        let expected = "at least one file with a certificate";
        let others = match self.without {
            0 => String::new(),
            1 => ", 1 file of another kind".to_owned(),
            many => format!(", {many} files of other kinds"),
        };
        match (self.with_certificates, self.spoken_for) {
            (0, 0) => {
                let finding = FILES_FOUND.inconclusive(&self.name).expected(expected);
                Some(finding.observed(format!("none{others}")))
            }
            (0, _) => None,
            (found, _) => {
                let files = if found == 1 { "1 file".to_owned() } else { format!("{found} files") };
                Some(FILES_FOUND.passed(&self.name).expected(expected).observed(format!("{files}{others}")))
            }
        }
    }
}
