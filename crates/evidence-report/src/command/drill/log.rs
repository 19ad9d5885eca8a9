//! The log on disk: appended to, never rewritten. Each line is written whole under a lock and synced before the
//! command says that it stands; so it survives a crash, a lost terminal, and two people writing at once.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::entry::{Entry, History, What};

/// How long we wait for somebody else who is writing a line.
const PATIENCE: Duration = Duration::from_secs(10);

/// A log is never larger: ten thousand notes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// A log that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::command) enum LogError {
    /// The disk says no.
    #[error("{doing} {path}: {source}", path = path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Somebody holds the lock.
    #[error("somebody else has been writing to {} for 10 s; try again, or find out who (`fuser`)", .0.display())]
    Busy(PathBuf),
    /// The drill is over.
    #[error("the drill of {} has been finished: its log takes no more notes. Start another with `drill start`", .0.display())]
    Finished(PathBuf),
    /// There is no beginning.
    #[error("{} is no log of a drill: it has no beginning", .0.display())]
    NoStart(PathBuf),
}

impl LogError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}

/// Reads a log. It is not locked: a line that is being written is told as torn.
pub(super) fn read(path: &Path) -> Result<(History, Vec<u8>), LogError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(LogError::io("opening the drill's log", path))?;
    file.take(LARGEST).read_to_end(&mut bytes).map_err(LogError::io("reading the drill's log", path))?;
    Ok((History::read(&bytes), bytes))
}

/// Begins a log: the file is new, or it is an error.
pub(super) fn begin(path: &Path, by: &str, what: What) -> Result<Entry, LogError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create_new(true)
        .mode(0o644)
        .open(path)
        .map_err(LogError::io("making the drill's log", path))?;
    lock(&file, path)?;
    let entry = write(&file, path, &History::default(), 0, by, what)?;
    // The name is on the disk, too.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(LogError::io("syncing", folder))?;
    Ok(entry)
}

/// Appends a line, and says what stood there before it.
pub(super) fn append(path: &Path, by: &str, what: What) -> Result<(History, Entry), LogError> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .open(path)
        .map_err(LogError::io("opening the drill's log", path))?;
    lock(&file, path)?;
    let mut bytes = Vec::new();
    (&mut file)
        .take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(LogError::io("reading the drill's log", path))?;
    let history = History::read(&bytes);
    if history.start().is_none() {
        return Err(LogError::NoStart(path.to_owned()));
    }
    if history.finish().is_some() {
        return Err(LogError::Finished(path.to_owned()));
    }
    if bytes.len() as u64 >= LARGEST {
        let full = std::io::Error::other("the log is as long as a log may be");
        return Err(LogError::io("writing to", path)(full));
    }
    // A line that a crash has torn stays as it is, and ours begins behind it.
    let torn = !bytes.ends_with(b"\n");
    let entry = write(&file, path, &history, usize::from(torn), by, what)?;
    Ok((history, entry))
}

fn write(
    mut file: &File,
    path: &Path,
    history: &History,
    line_feeds_first: usize,
    by: &str,
    what: What,
) -> Result<Entry, LogError> {
    let (boot, up_ms) = uptime();
    let n = history.entries.last().map_or(0, |last| last.n).saturating_add(1);
    let (by, previous) = (by.to_owned(), history.last.clone());
    let entry = Entry { n, at: now(), boot, up_ms, by, previous, what };
    let json = serde_json::to_string(&entry)
        .map_err(std::io::Error::from)
        .map_err(LogError::io("writing to", path))?;
    let length = file.metadata().map_err(LogError::io("looking at", path))?.len();
    let line = format!("{}{json}\n", "\n".repeat(line_feeds_first));
    let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_all());
    if let Err(source) = written {
        // A full disk: what was written of the line goes again, if it can.
        let _ = file.set_len(length);
        return Err(LogError::io("writing to", path)(source));
    }
    Ok(entry)
}

/// This moment as an entry, which is never written: to measure up to now.
pub(super) fn nothing_yet() -> Entry {
    let (boot, up_ms) = uptime();
    let what = What::Note { text: String::new(), moment: None, ago_seconds: None };
    Entry { n: 0, at: now(), boot, up_ms, by: String::new(), previous: String::new(), what }
}

/// To the millisecond: more than anybody reads.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn lock(file: &File, path: &Path) -> Result<(), LogError> {
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => return Err(LogError::Busy(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(LogError::io("locking", path)(source)),
        }
    }
}

/// Which boot, and the milliseconds since: proc(5). Where there is none, the wall clock has to do.
fn uptime() -> (String, u64) {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let boot: String = boot.chars().filter(char::is_ascii_hexdigit).take(12).collect();
    let text = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    let (seconds, hundredths) =
        text.split_whitespace().next().and_then(|first| first.split_once('.')).unwrap_or(("", ""));
    match (seconds.parse::<u64>(), hundredths.parse::<u64>()) {
        (Ok(seconds), Ok(hundredths)) if !boot.is_empty() => (boot, seconds * 1000 + hundredths * 10),
        _ => (String::new(), 0),
    }
}
