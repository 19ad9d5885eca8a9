//! Kubernetes documents: read by a thread of their own, since nobody knows how long whoever writes them
//! takes, and judged as they come, so that no more than a few objects are in memory at a time.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use evidence_report::{formats::Format, run::Run};
use tokio::{sync::mpsc, task::spawn_blocking};

use super::{Prepared, cut_off, folding::Folding};
use crate::{
    assess::{
        Judged,
        kubernetes::{Tally, judge},
    },
    checks::KUBERNETES_READABLE,
    outputs::exporters,
    stores::kubernetes,
    wording::printable,
};

/// So many judged objects wait at a time for the run to take them in.
const WAITING: usize = 64;

/// Looks into every document, one after the other.
pub(super) async fn look_into_all(
    documents: &[impl AsRef<Path>],
    group: &Prepared,
    folding: &mut Folding<'_>,
    run: &Run,
) {
    if !documents.is_empty() {
        run.progress().phase("reading Kubernetes objects");
    }
    for document in documents {
        look_into(document.as_ref(), group, folding, run).await;
    }
}

async fn look_into(path: &Path, group: &Prepared, folding: &mut Folding<'_>, run: &Run) {
    let name = name_of(path);
    let (judged, mut arriving) = mpsc::channel(WAITING);
    let (own_path, own_name, group) = (path.to_owned(), name.clone(), group.clone());
    let now = group.basis.now;
    let reading = spawn_blocking(move || read(&own_path, &own_name, &group, &judged));
    let taking_in = async {
        while let Some(judged) = arriving.recv().await {
            if run.wants(Format::Textfile) {
                run.series(exporters::of_one_look(&judged, now));
            }
            folding.take_in(0, None, judged);
        }
        reading.await
    };
    match run.stop().guard(taking_in).await {
        Err(_) => run.finding(cut_off(&KUBERNETES_READABLE, &name, run)),
        Ok(Err(_)) => run.finding(
            KUBERNETES_READABLE
                .inconclusive(name)
                .observed("this program broke while reading it")
                .remedy("Report this as a defect, with the kinds of the objects."),
        ),
        Ok(Ok(())) => {}
    }
}

/// Standard input is `-`.
fn name_of(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { printable(&path.to_string_lossy(), 200) }
}

/// Reads and judges one document, and at its end says what it came to. It blocks.
fn read(path: &Path, name: &str, group: &Prepared, judged: &mpsc::Sender<Judged>) {
    let last = match open(path) {
        Ok(reader) => {
            let mut tally = Tally::default();
            let ended = kubernetes::read(reader, &group.passwords, &mut |object| {
                let judgement = judge(&object, &group.basis);
                tally.count(&object, &judgement);
                // Nobody listens any more: the run was asked to stop.
                judged.blocking_send(judgement).is_ok()
            });
            tally.finding(name, ended)
        }
        Err(error) => Some(unreadable(name, &error)),
    };
    let last = Judged { findings: last.into_iter().collect(), ..Judged::default() };
    let _ = judged.blocking_send(last);
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    Ok(Box::new(BufReader::with_capacity(64 * 1024, File::open(path)?)))
}

fn unreadable(name: &str, error: &io::Error) -> evidence_report::record::Finding {
    let expected = "a file of Kubernetes objects in JSON";
    if error.kind() == io::ErrorKind::NotFound {
        let finding = KUBERNETES_READABLE.failed(name).expected(expected).observed("there is no such file");
        return finding.remedy("Correct the path, or find out what should have written the file.");
    }
    KUBERNETES_READABLE
        .inconclusive(name)
        .expected(expected)
        .observed(format!("cannot be read: {}", printable(&error.to_string(), 160)))
        .remedy("Give the user of this program the right to read it.")
}
