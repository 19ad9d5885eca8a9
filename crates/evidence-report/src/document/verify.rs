//! Renders the record again and compares text: each alteration is told by name and line.

use std::fmt;

use super::{
    normalise::{Line, lines},
    read::{Document, FENCE_TAG, ReadError, Signature, read},
    render_v1::render_sealed_v1,
    seal::seal,
};
use crate::record::{Verdict, v1::Record};

/// What came of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// The seal fits and the text says what the record says. Not signed: by whom is not known.
    Consistent(Box<Record>),
    /// Somebody altered it.
    Altered(Vec<Alteration>),
    /// It cannot be told: no record, or a newer version.
    Unverified(ReadError),
}

/// One alteration.
///
/// ```
/// use evidence_report::document::{Alteration, Kind};
///
/// let turned = Alteration::Line {
///     kind: Kind::Verdict,
///     line: 3,
///     found: "**PASSED**".into(),
///     expected: "**FAILED**".into(),
/// };
/// assert_eq!(turned.to_string(), "line 3: verdict altered: it says: **PASSED** — the record says: **FAILED**");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alteration {
    /// The file cannot be taken apart: it is cut, or a mark stands twice, or the record is no record.
    Structure(ReadError),
    /// The record does not fit its seal.
    Seal {
        /// Where the seal stands.
        line: usize,
    },
    /// The record contradicts itself.
    Contradiction {
        /// Where the record stands.
        line: usize,
        /// What it claims.
        claimed: Verdict,
        /// What its counts come to.
        counted: Verdict,
    },
    /// A line says something else than the record.
    Line {
        /// What kind of alteration.
        kind: Kind,
        /// The line in the file (for what is missing: the line before which it belongs).
        line: usize,
        /// What the line says; empty where it is missing.
        found: String,
        /// What the record says; empty where a line was added.
        expected: String,
    },
}

/// Kinds of altered lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A verdict was turned.
    Verdict,
    /// A number was changed.
    Number,
    /// A row was removed from a table.
    RowRemoved,
    /// A row was added to a table.
    RowAdded,
    /// A cell was added to a row.
    CellAdded,
    /// A cell was removed from a row.
    CellRemoved,
    /// Words were changed.
    Words,
    /// A line was removed.
    LineRemoved,
    /// A line was added.
    LineAdded,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verdict => "verdict altered",
            Self::Number => "number changed",
            Self::RowRemoved => "row removed",
            Self::RowAdded => "row added",
            Self::CellAdded => "cell added",
            Self::CellRemoved => "cell removed",
            Self::Words => "words changed",
            Self::LineRemoved => "line removed",
            Self::LineAdded => "line added",
        })
    }
}

impl fmt::Display for Alteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Structure(error) => write!(f, "{error}"),
            Self::Seal { line } => {
                write!(f, "line {line}: seal broken: the record is not the one that was sealed")
            }
            Self::Contradiction { line, claimed, counted } => {
                write!(
                    f,
                    "line {line}: record contradicts itself: it claims {claimed}, its counts come to {counted}"
                )
            }
            Self::Line { kind, line, found, expected } => match (found.as_str(), expected.as_str()) {
                ("", expected) => write!(f, "line {line}: {kind}: the record says: {expected}"),
                (found, "") => write!(f, "line {line}: {kind}: not in the record: {found}"),
                (found, expected) => {
                    write!(f, "line {line}: {kind}: it says: {found} — the record says: {expected}")
                }
            },
        }
    }
}

impl Alteration {
    /// The line of the file that it is about, where there is one.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Structure(error) => error.line(),
            Self::Seal { line } | Self::Contradiction { line, .. } | Self::Line { line, .. } => Some(*line),
        }
    }
}

/// Verifies the text of an evidence file.
#[must_use]
pub fn verify(text: &str) -> Verification {
    match read(text) {
        Err(error @ (ReadError::NoEvidence | ReadError::Newer { .. })) => Verification::Unverified(error),
        Err(error) => Verification::Altered(vec![Alteration::Structure(error)]),
        Ok(document) => {
            let alterations = alterations(&document);
            if alterations.is_empty() {
                Verification::Consistent(Box::new(document.record))
            } else {
                Verification::Altered(alterations)
            }
        }
    }
}

fn alterations(document: &Document) -> Vec<Alteration> {
    let record = &document.record;
    let (seal, mut found) = (seal(record), Vec::new());
    if seal != document.seal {
        found.push(Alteration::Seal { line: document.seal_line });
    }
    let counted = record.counted_verdict();
    if counted != record.verdict {
        let line = document.record_line;
        found.push(Alteration::Contradiction { line, claimed: record.verdict, counted });
    }
    found.extend(document.signature.iter().flat_map(foreign_lines));
    let signature = document.signature.as_ref().map(|signature| signature.text.as_str());
    let rendered = render_sealed_v1(record, &seal, signature);
    if rendered == document.managed {
        // To the letter, as nearly all are: there is nothing that a formatter could have changed.
        return found;
    }
    let ours = lines(&rendered, FENCE_TAG);
    let theirs = lines(&document.managed, FENCE_TAG);
    let is_seal = |line: &str| line.starts_with("Seal: `sha256:");
    found.extend(compare(&ours, &theirs).into_iter().filter(|alteration| match alteration {
        // A broken seal has been told already.
        Alteration::Line { found, expected, .. } => !(is_seal(found) && is_seal(expected)),
        _ => true,
    }));
    found
}

/// Lines in the place of a signature that are none of one.
fn foreign_lines(signature: &Signature) -> Vec<Alteration> {
    let of_base64 = |line: &str| {
        let digits = line.trim_end_matches('=');
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte))
    };
    let marks = ["-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"];
    let lines: Vec<_> = signature.text.lines().collect();
    let last = lines.len().saturating_sub(1);
    let right = |index: usize, line: &str| match index {
        0 => line == marks[0],
        _ if index == last => line == marks[1],
        _ => of_base64(line),
    };
    let wrong = lines.iter().enumerate().filter(|(index, line)| !right(*index, line));
    wrong.map(|(index, line)| altered(Kind::Words, signature.line + 1 + index, line, "")).collect()
}

/// The differences between the lines that the record renders to and those of the file.
fn compare(ours: &[Line], theirs: &[Line]) -> Vec<Alteration> {
    let mut found = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (next_i, next_j) in matches(ours, theirs).into_iter().chain([(ours.len(), theirs.len())]) {
        let (missing, added) = (&ours[i..next_i], &theirs[j..next_j]);
        let paired = missing.len().min(added.len());
        for (expected, line) in missing.iter().zip(added) {
            found.push(altered(kind(&expected.text, &line.text), line.number, &line.text, &expected.text));
        }
        let before = theirs.get(next_j).or(theirs.last()).map_or(1, |line| line.number);
        for expected in &missing[paired..] {
            let kind = if expected.text.starts_with('|') { Kind::RowRemoved } else { Kind::LineRemoved };
            found.push(altered(kind, before, "", &expected.text));
        }
        for line in &added[paired..] {
            let kind = if line.text.starts_with('|') { Kind::RowAdded } else { Kind::LineAdded };
            found.push(altered(kind, line.number, &line.text, ""));
        }
        (i, j) = (next_i + 1, next_j + 1);
    }
    found
}

fn altered(kind: Kind, line: usize, found: &str, expected: &str) -> Alteration {
    let short = |text: &str| {
        let cut: String = text.chars().take(160).collect();
        if cut.len() < text.len() { cut + " …" } else { cut }
    };
    // What differs must not be lost in the cut.
    let common = found.chars().zip(expected.chars()).take_while(|(a, b)| a == b).count();
    let from = |text: &str| {
        if common < 100 {
            short(text)
        } else {
            format!("… {}", short(&text.chars().skip(common - 60).collect::<String>()))
        }
    };
    Alteration::Line { kind, line, found: from(found), expected: from(expected) }
}

/// What kind of alteration turned one line into another.
fn kind(expected: &str, found: &str) -> Kind {
    let cells = |text: &str| text.replace("\\|", "").matches('|').count();
    let without_digits = |text: &str| text.replace(|char: char| char.is_ascii_digit(), "");
    if verdicts(expected) != verdicts(found) {
        return Kind::Verdict;
    }
    if expected.starts_with('|') && found.starts_with('|') && cells(expected) != cells(found) {
        return if cells(found) > cells(expected) { Kind::CellAdded } else { Kind::CellRemoved };
    }
    let has_digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    if without_digits(expected) == without_digits(found) && has_digit(expected) {
        return Kind::Number;
    }
    Kind::Words
}

/// The verdicts that a line names, in order.
fn verdicts(text: &str) -> Vec<&str> {
    let words = ["PASSED", "WARNED", "FAILED", "INCONCLUSIVE", "NOT CHECKED"];
    let mut found: Vec<_> = words.iter().flat_map(|word| text.match_indices(word)).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, word)| word).collect()
}

/// A longest common subsequence of equal lines, as pairs of positions.
fn matches(ours: &[Line], theirs: &[Line]) -> Vec<(usize, usize)> {
    let equal = |i: usize, j: usize| ours[i].text == theirs[j].text && ours[i].fenced == theirs[j].fenced;
    let shorter = ours.len().min(theirs.len());
    let head = (0..shorter).take_while(|&at| equal(at, at)).count();
    let tail =
        (0..shorter - head).take_while(|&at| equal(ours.len() - 1 - at, theirs.len() - 1 - at)).count();
    let (rows, columns) = (ours.len() - head - tail, theirs.len() - head - tail);
    let mut pairs: Vec<_> = (0..head).map(|at| (at, at)).collect();
    // Beyond this size the table is not worth its memory: the whole middle counts as altered.
    if rows.saturating_mul(columns) <= 16_000_000 {
        let width = columns + 1;
        let mut length = vec![0_u32; (rows + 1) * width];
        for i in (0..rows).rev() {
            for j in (0..columns).rev() {
                length[i * width + j] = if equal(head + i, head + j) {
                    length[(i + 1) * width + j + 1] + 1
                } else {
                    length[(i + 1) * width + j].max(length[i * width + j + 1])
                };
            }
        }
        let (mut i, mut j) = (0, 0);
        while i < rows && j < columns {
            if equal(head + i, head + j) {
                pairs.push((head + i, head + j));
                (i, j) = (i + 1, j + 1);
            } else if length[(i + 1) * width + j] >= length[i * width + j + 1] {
                i += 1;
            } else {
                j += 1;
            }
        }
    }
    pairs.extend((0..tail).rev().map(|at| (ours.len() - 1 - at, theirs.len() - 1 - at)));
    pairs
}
