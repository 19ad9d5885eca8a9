//! `import junit|sarif|tap|k6 FILE…`: what other tools say becomes checks. Their files are somebody else's bytes:
//! read as a stream, bounded in memory, never obeyed. One importer a file; each tells results one by one, and in the
//! end what of the file is missing.

mod assess;
mod bounds;
pub(super) mod checks;
mod cli;
mod flattened;
pub mod junit;
pub mod k6;
pub mod sarif;
pub mod tap;
mod told;
pub mod tracker;

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
    process::ExitCode,
};

use jiff::Timestamp;

use super::{
    CommandError,
    capture::digest_of,
    named_check::{Named, title_of},
};
use crate::{
    record::Attachment,
    run::{Run, Settings, Stop},
};
use assess::Tally;
pub(super) use cli::{EXAMPLES, Import, ImportCommand};
pub use told::{Account, Said, Sink, Told, Unreadable};

/// A larger file is not read.
const LARGEST: u64 = 1024 * 1024 * 1024;

/// Imports the files and publishes what they say; or writes the tracker.
pub(super) fn import(import: &Import, mut settings: Settings) -> Result<ExitCode, CommandError> {
    let command = match import {
        Import::Results(command) => command,
        Import::Tracker(args) => return args.import(),
    };
    let args = command.args();
    args.complete(&mut settings);
    let named = args.check.clone().map(|id| Named {
        title: args.title.clone().unwrap_or_else(|| title_of(&id)),
        id,
        explanation: checks::RESULT.explanation.to_owned(),
        remedy: args.remedy.clone().unwrap_or_else(|| checks::RESULT.remedy.to_owned()),
    });
    let (tool, check) = named.map_or((&super::checks::TOOL, &checks::RESULT), Named::register);
    let run = Run::start(tool, settings)?;
    run.owes([check, &checks::COMPLETE, &checks::RECENT]);
    let mut known = Vec::new();
    for path in &args.files {
        run.progress().phase(format!("reading {}", path.display()));
        one(&run, command, path, check, &mut known);
    }
    Ok(run.finish().publish()?)
}

/// One file; `known` are the digests of those before it, and their names.
fn one(
    run: &Run,
    command: &ImportCommand,
    path: &Path,
    check: &'static crate::record::Check,
    known: &mut Vec<(String, String)>,
) {
    let args = command.args();
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let (file, changed) = match open(path) {
        Ok(opened) => opened,
        Err(error) => return run.finding(assess::unread(&name, &error)),
    };
    let mut file = UntilStopped { file, stop: run.stop() };
    let digest = match digest_of(&mut file).and_then(|digest| file.rewind().map(|()| digest)) {
        Ok(digest) => digest,
        Err(error) => return run.finding(assess::unread(&name, &error)),
    };
    if let Some((_, first)) = known.iter().find(|(sha256, _)| *sha256 == digest.sha256) {
        return run.finding(assess::again(&name, first));
    }
    known.push((digest.sha256.clone(), name.clone()));
    run.attach(Attachment { name: name.clone(), sha256: digest.sha256, bytes: digest.bytes });
    let several = (args.files.len() > 1).then(|| name.clone());
    let mut tally = Tally::new(run, check, args.skipped, several, command.expected());
    let account = command.read(&mut file, &mut |told| tally.take(told));
    let counts = tally.end();
    if let Ok(Account { tool: Some(tool), .. }) = &account {
        run.fact(format!("{name} was made by"), tool);
    }
    if let Ok(account) = &account {
        for measurement in account.measurements.iter().cloned() {
            let several = args.files.len() > 1;
            run.measurement(if several { measurement.label("file", &name) } else { measurement });
        }
    }
    let made_at = account.as_ref().ok().and_then(|account| account.made_at);
    run.finding(assess::recent(&name, made_at, changed, args.max_age, Timestamp::now()));
    run.findings(assess::complete(&name, &account, &counts));
}

/// The file, and when it was last written. Standard input is kept in a nameless file first: some formats are read
/// twice.
fn open(path: &Path) -> io::Result<(BufReader<File>, Option<Timestamp>)> {
    if path == Path::new("-") {
        let mut kept = tempfile::tempfile()?;
        let copied = io::copy(&mut io::stdin().lock().take(LARGEST + 1), &mut kept)?;
        small_enough(copied)?;
        return readable(kept).map(|file| (file, None));
    }
    // Opening a pipe or a device could wait for ever.
    let meta = std::fs::metadata(path)?;
    if !meta.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    small_enough(meta.len())?;
    let changed = meta.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
    Ok((readable(File::open(path)?)?, changed))
}

/// From its start, unless it is UTF-16 (as PowerShell's `>` writes): no format is read so.
fn readable(mut file: File) -> io::Result<BufReader<File>> {
    let mut first = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.by_ref().take(2).read_to_end(&mut first)?;
    file.seek(SeekFrom::Start(0))?;
    match first.as_slice() {
        [0xFF, 0xFE] | [0xFE, 0xFF] | [0, _] | [_, 0] => Err(io::Error::other(
            "it is UTF-16, which is not read; make it UTF-8 first: iconv -f UTF-16 -t UTF-8 FILE > NEW",
        )),
        _ => Ok(BufReader::new(file)),
    }
}

/// Reads on until the run is asked to stop.
struct UntilStopped<'r> {
    file: BufReader<File>,
    stop: &'r Stop,
}

impl Read for UntilStopped<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_requested() {
            return Err(io::Error::other("the run was asked to stop"));
        }
        self.file.read(buffer)
    }
}

impl Seek for UntilStopped<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn small_enough(bytes: u64) -> io::Result<()> {
    match bytes {
        0..=LARGEST => Ok(()),
        _ => Err(io::Error::other(format!("it is larger than {} MiB", LARGEST / 1024 / 1024))),
    }
}
