//! Text → managed region, record, seal and notes. What cannot be read says so by name and line.

use super::{normalise, strict_json::StrictValue};
use crate::record::v1::{Record, SCHEMA};

/// The tag of the fence that holds the record. Formatters rewrite fences tagged `json`; they leave this one.
pub const FENCE_TAG: &str = "evidence-report/v1";

/// The last line of the managed region.
pub const END_MARKER: &str = "<!-- evidence-report:end v1 -->";

/// The tag of the fence that holds a signature over the seal, where there is one.
pub const SIGNATURE_TAG: &str = "evidence-report-signature";

const MARKER_START: &str = "<!-- evidence-report:end ";
const FENCE_START: &str = "evidence-report/";

/// An evidence file, taken apart.
///
/// ```
/// use evidence_report::document::{Document, ReadError, read};
///
/// let by_hand: Result<Document, ReadError> = read("# Rehearsal\n\nWe did it.\n");
/// assert_eq!(by_hand, Err(ReadError::NoEvidence));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The record.
    pub record: Record,
    /// The seal as it stands in the file.
    pub seal: String,
    /// The signature, where there is one. Whether it fits, and whose it is, cannot be told from the text alone.
    pub signature: Option<Signature>,
    /// The line of the seal, from 1.
    pub seal_line: usize,
    /// The first line of the record's fence, from 1.
    pub record_line: usize,
    /// The managed region.
    pub managed: String,
    /// What stands behind it.
    pub notes: String,
}

/// A signature as it stands in an evidence file: an SSHSIG, made by `ssh-keygen -Y sign`.
///
/// ```
/// use evidence_report::document::{Signature, read};
///
/// let signer = |text: &str| -> Option<Signature> { read(text).ok()?.signature };
/// assert_eq!(signer("# By hand\n"), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The armored text, with a line feed at the end of each line.
    pub text: String,
    /// The line of its fence, from 1.
    pub line: usize,
}

/// A text that is no evidence file, or no whole one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A page by hand: present, unverified.
    #[error("it holds no record: a page written by hand is present, and unverified")]
    NoEvidence,
    /// It was made by a newer version.
    #[error("line {line}: it is of the version {version}, which this program does not know; upgrade it")]
    Newer {
        /// The version that it names.
        version: String,
        /// Where.
        line: usize,
    },
    /// It ends before its end marker.
    #[error("the file is cut: it has {lines} lines and no end marker ({END_MARKER})")]
    Cut {
        /// How many lines there are.
        lines: usize,
    },
    /// The end marker or the record stands more than once.
    #[error("{what} stands more than once, in lines {lines:?}; exactly one of them can be right")]
    Doubled {
        /// What.
        what: &'static str,
        /// Where.
        lines: Vec<usize>,
    },
    /// The managed region has no record, though it has its end marker.
    #[error("the record is missing from the managed region (a fence tagged {FENCE_TAG})")]
    NoRecord,
    /// The seal's line is missing.
    #[error("the seal is missing behind the record of line {record_line}")]
    NoSeal {
        /// Where the record begins.
        record_line: usize,
    },
    /// The record is no JSON of its schema.
    #[error("line {line}: the record cannot be read: {message}")]
    Record {
        /// Where.
        line: usize,
        /// Why.
        message: String,
    },
}

impl ReadError {
    /// The line that it is about, where there is one.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::NoEvidence | Self::NoRecord => None,
            Self::Newer { line, .. } | Self::Record { line, .. } => Some(*line),
            Self::Cut { lines } => Some(*lines),
            Self::Doubled { lines, .. } => lines.get(1).copied(),
            Self::NoSeal { record_line } => Some(*record_line),
        }
    }
}

/// Takes an evidence file apart.
///
/// # Errors
/// By name, when it is no evidence file, or no whole one.
pub fn read(text: &str) -> Result<Document, ReadError> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let marks = Marks::find(text);
    if let Some((line, version)) = marks.newer() {
        return Err(ReadError::Newer { version, line });
    }
    let end = match marks.ends.as_slice() {
        [(line, _)] => *line,
        [] if marks.fences.is_empty() && !looks_managed(text) => return Err(ReadError::NoEvidence),
        [] => return Err(ReadError::Cut { lines: text.lines().count() }),
        more => {
            let lines = more.iter().map(|(line, _)| *line).collect();
            return Err(ReadError::Doubled { what: "the end marker", lines });
        }
    };
    let (managed, notes) = split_after_line(text, end);
    let fence = match marks.fences.iter().filter(|fence| fence.line <= end).collect::<Vec<_>>().as_slice() {
        [fence] => (*fence).clone(),
        [] => return Err(ReadError::NoRecord),
        more => {
            let lines = more.iter().map(|fence| fence.line).collect();
            return Err(ReadError::Doubled { what: "the record", lines });
        }
    };
    let signatures: Vec<_> = marks.signatures.iter().filter(|signature| signature.line <= end).collect();
    if let [_, second, ..] = signatures.as_slice() {
        let lines = vec![signatures[0].line, second.line];
        return Err(ReadError::Doubled { what: "the signature", lines });
    }
    let record = parse(&fence.text, fence.line)?;
    let (seal_line, seal) =
        find_seal(managed, fence.last_line).ok_or(ReadError::NoSeal { record_line: fence.line })?;
    Ok(Document {
        record,
        seal,
        signature: signatures.first().map(|signature| (*signature).clone()),
        seal_line,
        record_line: fence.line,
        managed: managed.to_owned(),
        notes: notes.to_owned(),
    })
}

/// What stands behind the managed region, and how many lines stand before it; nothing where the region does not end,
/// or twice. The record is not read.
#[cfg(feature = "command")]
pub(crate) fn behind_managed(text: &str) -> Option<(usize, &str)> {
    match Marks::find(text).ends.as_slice() {
        [(end, _)] => Some((*end, split_after_line(text, *end).1)),
        _ => None,
    }
}

#[derive(Debug, Clone)]
struct Fence {
    line: usize,
    last_line: usize,
    version: String,
    text: String,
}

#[derive(Debug, Default)]
struct Marks {
    ends: Vec<(usize, String)>,
    fences: Vec<Fence>,
    signatures: Vec<Signature>,
}

/// What a fence that is open gathers.
enum Gathering {
    Record(Fence),
    Signature(Signature),
    Nothing,
}

impl Marks {
    /// End markers outside fences, and fences with our tag.
    fn find(text: &str) -> Self {
        let mut marks = Self::default();
        let mut open: Option<(usize, Gathering)> = None;
        for (index, raw) in text.split('\n').enumerate() {
            let line = index + 1;
            let raw = raw.strip_suffix('\r').unwrap_or(raw);
            let ticks = raw.bytes().take_while(|&byte| byte == b'`').count();
            match &mut open {
                Some((length, gathering)) if ticks >= *length && raw[ticks..].trim().is_empty() => {
                    match std::mem::replace(gathering, Gathering::Nothing) {
                        Gathering::Record(mut fence) => {
                            fence.last_line = line;
                            marks.fences.push(fence);
                        }
                        Gathering::Signature(signature) => marks.signatures.push(signature),
                        Gathering::Nothing => {}
                    }
                    open = None;
                }
                Some((
                    _,
                    Gathering::Record(Fence { text, .. }) | Gathering::Signature(Signature { text, .. }),
                )) => {
                    text.push_str(raw);
                    text.push('\n');
                }
                Some((_, Gathering::Nothing)) => {}
                None if ticks >= 3 => open = Some((ticks, gathering(line, raw[ticks..].trim()))),
                None => {
                    let version =
                        raw.trim().strip_prefix(MARKER_START).and_then(|rest| rest.strip_suffix(" -->"));
                    marks.ends.extend(version.map(|version| (line, version.to_owned())));
                }
            }
        }
        if let Some((_, Gathering::Record(fence))) = open {
            marks.fences.push(fence);
        }
        marks
    }

    /// The first mark of a version other than 1.
    fn newer(&self) -> Option<(usize, String)> {
        let fences = self.fences.iter().map(|fence| (fence.line, fence.version.clone()));
        self.ends.iter().cloned().chain(fences).find(|(_, version)| {
            version
                .strip_prefix('v')
                .and_then(|number| number.parse::<u32>().ok())
                .is_some_and(|number| number > 1)
        })
    }
}

/// What a fence of this tag is for.
fn gathering(line: usize, tag: &str) -> Gathering {
    if tag == SIGNATURE_TAG {
        return Gathering::Signature(Signature { text: String::new(), line });
    }
    match tag.strip_prefix(FENCE_START) {
        Some(version) => Gathering::Record(Fence {
            line,
            last_line: line,
            version: version.to_owned(),
            text: String::new(),
        }),
        None => Gathering::Nothing,
    }
}

/// Whether the text begins as our managed region does, even if it was cut before its record.
fn looks_managed(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.next().is_some_and(|line| line.starts_with("# "))
        && lines.next().is_some_and(|line| {
            let verdicts = ["**PASSED ·", "**WARNED ·", "**FAILED ·", "**INCONCLUSIVE ·"];
            verdicts.iter().any(|start| line.starts_with(start))
        })
}

fn split_after_line(text: &str, line: usize) -> (&str, &str) {
    let end = text.split_inclusive('\n').take(line).map(str::len).sum();
    text.split_at(end)
}

fn find_seal(managed: &str, after: usize) -> Option<(usize, String)> {
    // The record's fence ends on that line.
    let (_, behind) = split_after_line(managed, after);
    normalise::lines(behind, FENCE_TAG).into_iter().find_map(|line| {
        let seal = line.text.strip_prefix("Seal: `")?.strip_suffix('`')?;
        Some((after + line.number, seal.to_owned()))
    })
}

/// Reads a record that stands for itself, as `--format json` writes it. It has no seal.
///
/// # Errors
/// When it is no record of this version.
pub fn read_json(text: &str) -> Result<Record, ReadError> {
    parse(text, 0)
}

fn parse(text: &str, fence_line: usize) -> Result<Record, ReadError> {
    let wrong = |error: serde_json::Error| ReadError::Record {
        line: fence_line + error.line(),
        message: error.to_string(),
    };
    let StrictValue(value) = serde_json::from_str(text).map_err(wrong)?;
    // Positions are lost in the value; the second reading is only for a better message.
    let record: Record = serde_json::from_value(value)
        .or_else(|error| {
            serde_json::from_str(text)
                .map_err(|with_line| if with_line.line() > 0 { with_line } else { error })
        })
        .map_err(wrong)?;
    if record.schema == SCHEMA {
        Ok(record)
    } else {
        let message = format!("its schema is '{}', not '{SCHEMA}'", record.schema);
        Err(ReadError::Record { line: fence_line, message })
    }
}
