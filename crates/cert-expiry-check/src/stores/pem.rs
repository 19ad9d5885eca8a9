//! PEM (RFC 7468), read as it occurs in the field: bundles with keys and text between the certificates,
//! indented in YAML, with any line end. What the blocks hold is not its business.

use std::fmt;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pem {
    /// The blocks of a kind that is read, in their order.
    pub blocks: Vec<Block>,
    /// Labels of keys, and of blocks that are not read, each once; of very many, the first.
    pub other_labels: Vec<String>,
    /// The first thing that we read and others do not, and the line of its block.
    pub flaw: Option<(u32, Flaw)>,
}

/// One block.
#[derive(PartialEq, Eq)]
pub struct Block {
    /// The line of its `BEGIN`, counted from 1.
    pub line: u32,
    /// What it says it is.
    pub kind: Kind,
    /// Its bytes, wiped after use, or what is wrong with it.
    pub der: Result<Zeroizing<Vec<u8>>, Damage>,
}

impl fmt::Debug for Block {
    /// Without the bytes: they may be those of a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} on line {}", self.kind, self.line)
    }
}

/// What a block says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A certificate.
    Certificate,
    /// A certificate, behind which OpenSSL's trust settings follow.
    TrustedCertificate,
    /// A private key, in whatever form.
    Key,
    /// A certificate revocation list.
    RevocationList,
    /// A PKCS#7 message.
    Pkcs7,
}

impl Kind {
    fn of(label: &str) -> Option<Self> {
        match label {
            "CERTIFICATE" | "X509 CERTIFICATE" => Some(Self::Certificate),
            "TRUSTED CERTIFICATE" => Some(Self::TrustedCertificate),
            "X509 CRL" => Some(Self::RevocationList),
            "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" => Some(Self::Pkcs7),
            "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => Some(Self::Key),
            _ => None,
        }
    }
}

/// What is read here, because people want to know what such a file holds, and not by the servers that should read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Blanks stand before a `BEGIN` or an `END`, as in YAML.
    Indented,
    /// A blank line stands in the base64, or several before it.
    BlankLine,
    /// Lines end in a carriage return alone.
    OldLineEnds,
    /// More blanks stand beside its label than the one before it.
    BlankLabel,
    /// Headers (RFC 1421) stand before the base64, and do not say how it is encrypted.
    Headers,
    /// The `=` at the end of the base64 is missing.
    NoPadding,
}

impl Flaw {
    /// Whether some of those who should read it do: then it may do no harm where it lies.
    #[must_use]
    pub fn is_read_by_some(self) -> bool {
        matches!(self, Self::BlankLine | Self::Headers)
    }

    /// What to do.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Indented | Self::BlankLine | Self::BlankLabel => {
                "Write the file again without those blanks."
            }
            Self::OldLineEnds => "Write the file again with line feeds: `tr '\\r' '\\n'`.",
            Self::Headers => "Write the file again without those lines.",
            Self::NoPadding => "Write the file again from its source, as it was issued.",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Indented => {
                "blanks stand before its BEGIN or END: OpenSSL (nginx, Apache, curl) and Go do not find it"
            }
            Self::BlankLine => {
                "a blank line stands in its base64: OpenSSL (nginx, Apache, curl) does not read it"
            }
            Self::OldLineEnds => {
                "its lines end in a carriage return alone, as on old Macintoshes: OpenSSL (nginx, Apache, curl) and Go \
                 do not read it"
            }
            Self::BlankLabel => {
                "blanks too many stand in its BEGIN or END line: OpenSSL (nginx, Apache, curl) and Go pass it over"
            }
            Self::Headers => {
                "headers stand before its base64: OpenSSL (nginx, Apache, curl) does not read it"
            }
            Self::NoPadding => {
                "the = at the end of its base64 is missing: OpenSSL (nginx, Apache, curl) and Go do not read it"
            }
        })
    }
}

/// What can be wrong with a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// The file, or the next block, comes before its `END`.
    Truncated,
    /// Its `END` names something else.
    WrongEnd(String),
    /// Nothing stands between `BEGIN` and `END`.
    Empty,
    /// More stands on its `BEGIN` line, as where a shell or an editor took the line ends away.
    OneLine,
    /// Its `BEGIN` line does not end in five dashes.
    NoDashes,
    /// More stands on its `END` line: often the next `BEGIN`, where files without a last line end were joined.
    Joined,
    /// A character that is no base64, or a wrong number of them.
    Base64(String),
    /// Its headers say that it is encrypted (RFC 1421), as those of old keys do.
    Encrypted,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("it is truncated: its END line is missing"),
            Self::WrongEnd(label) => write!(f, "it ends with END {}", crate::wording::printable(label, 40)),
            Self::Empty => f.write_str("nothing stands between BEGIN and END"),
            Self::OneLine => f.write_str("its base64 begins on the BEGIN line: its line ends were lost"),
            Self::NoDashes => f.write_str("its BEGIN line does not end in five dashes: servers pass it over"),
            Self::Joined => f.write_str(
                "more stands on its END line, so that servers do not read it: a line end is missing between two blocks",
            ),
            Self::Base64(reason) => write!(f, "its base64 is damaged ({reason})"),
            Self::Encrypted => f.write_str("it is encrypted"),
        }
    }
}

/// Padding is sometimes lost, and the last bits are sometimes not zero: what it is can be told all the same.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// So many different labels are named; a file can have millions.
const LABELS: usize = 16;

/// A block that has begun.
struct Open<'a> {
    line: u32,
    label: String,
    /// Everything behind its `BEGIN`.
    behind: &'a [u8],
}

/// Reads everything between the lines `-----BEGIN …-----` and `-----END …-----`.
#[must_use]
pub fn read(bytes: &[u8]) -> Pem {
    let mut pem = Pem::default();
    let mut open: Option<Open<'_>> = None;
    let mut rest = bytes;
    for line in 1_u32.. {
        let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line_end = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
        let (content, behind) =
            (without_noise(&rest[..end]).trim_ascii(), rest.get(end + line_end..).unwrap_or_default());
        let indented = rest[..end].first().is_some_and(u8::is_ascii_whitespace).then_some(Flaw::Indented);
        if let Some(boundary) = Boundary::read(content, b"-----BEGIN ") {
            let old = matches!(rest[end..], [b'\r', next, ..] if next != b'\n' && next != b'\r');
            pem.note(line, indented.or(boundary.flaw()).or(old.then_some(Flaw::OldLineEnds)));
            if let Some(unfinished) = open.take() {
                pem.close(&unfinished, b"", Some(Damage::Truncated));
            }
            open = pem.open(boundary, line, behind);
        } else if let Some(boundary) = Boundary::read(content, b"-----END ")
            && let Some(finished) = open.take()
        {
            let body = &finished.behind[..finished.behind.len() - rest.len()];
            pem.note(finished.line, indented.or(boundary.flaw()).or_else(|| finished.flaw(body)));
            let more = boundary.more;
            let damage = match (boundary.label == finished.label, more) {
                (false, _) => Some(Damage::WrongEnd(boundary.label)),
                (true, true) => Some(Damage::Joined),
                (true, false) => None,
            };
            pem.close(&finished, body, damage);
            // What was joined to it is read all the same.
            let next = memchr::memmem::find(content, b"-----BEGIN ").filter(|_| more);
            let next = next.and_then(|at| Boundary::read(&content[at..], b"-----BEGIN "));
            open = next.and_then(|next| pem.open(next, line, behind));
        }
        if end == rest.len() {
            break;
        }
        rest = behind;
    }
    if let Some(unfinished) = open {
        pem.close(&unfinished, b"", Some(Damage::Truncated));
    }
    pem
}

/// A line without what OpenSSL takes for a part of its end: control characters, and letters beyond ASCII.
fn without_noise(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| matches!(byte, b'!'..=b'~')).map_or(0, |last| last + 1);
    &line[..end]
}

/// A line that begins or ends a block.
struct Boundary {
    label: String,
    /// Whether more stands behind it on its line.
    more: bool,
    has_blanks: bool,
    /// Whether five dashes stand behind the label.
    is_closed: bool,
}

impl Boundary {
    /// A byte order mark may stand before the first one.
    fn read(line: &[u8], begin: &[u8]) -> Option<Self> {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let label = line.strip_prefix(begin)?;
        let end = memchr::memmem::find(label, b"-----");
        let more =
            end.and_then(|end| label.get(end + 5..)).is_some_and(|behind| !behind.trim_ascii().is_empty());
        let label = &label[..end.unwrap_or(label.len())];
        Some(Self {
            label: String::from_utf8_lossy(label.trim_ascii()).into_owned(),
            more,
            has_blanks: label != label.trim_ascii(),
            is_closed: end.is_some(),
        })
    }

    fn flaw(&self) -> Option<Flaw> {
        (self.has_blanks && Kind::of(&self.label).is_some()).then_some(Flaw::BlankLabel)
    }

    /// What was meant to be a block of a kind that is read, and whose last dashes are missing.
    fn unclosed(&self) -> Option<&str> {
        let label = self.label.trim_end_matches('-').trim_end();
        (!self.is_closed && Kind::of(label).is_some()).then_some(label)
    }
}

impl Open<'_> {
    fn flaw(&self, body: &[u8]) -> Option<Flaw> {
        Kind::of(&self.label)?;
        blank_line(body).or_else(|| headers(body)).or_else(|| no_padding(body))
    }
}

/// Headers where OpenSSL takes none: only those of an encrypted key may stand there.
fn headers(body: &[u8]) -> Option<Flaw> {
    let mut before = lines(body).take_while(|line| line.is_empty() || line.contains(&b':')).peekable();
    let is_encrypted = before.peek().is_some_and(|first| first.starts_with(b"Proc-Type:"));
    (!is_encrypted && before.any(|line| !line.is_empty())).then_some(Flaw::Headers)
}

/// Base64 comes in fours (RFC 4648, 4).
fn no_padding(body: &[u8]) -> Option<Flaw> {
    let digits = lines(body).filter(|line| !line.contains(&b':')).flatten();
    (!digits.filter(|digit| !digit.is_ascii_whitespace()).count().is_multiple_of(4))
        .then_some(Flaw::NoPadding)
}

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|&byte| byte == b'\n' || byte == b'\r').map(|line| without_noise(line).trim_ascii())
}

/// A blank line where OpenSSL takes none: it may only stand once between headers (or nothing) and the base64.
fn blank_line(body: &[u8]) -> Option<Flaw> {
    let mut lines: Vec<_> = body.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).collect();
    // Behind the last line end stands nothing.
    lines.pop_if(|last| last.is_empty());
    let begins =
        lines.iter().position(|line| !line.is_empty() && !line.contains(&b':')).unwrap_or(lines.len());
    let (before, base64) = lines.split_at(begins);
    let blanks_before = before.iter().filter(|line| line.is_empty()).count();
    (blanks_before > 1 || base64.iter().any(|line| line.is_empty())).then_some(Flaw::BlankLine)
}

impl Pem {
    fn note(&mut self, line: u32, flaw: Option<Flaw>) {
        let is_worse = |flaw: &Flaw| {
            self.flaw.is_none_or(|(_, known)| known.is_read_by_some() && !flaw.is_read_by_some())
        };
        if let Some(flaw) = flaw.filter(is_worse) {
            self.flaw = Some((line, flaw));
        }
    }

    /// Begins a block; one that cannot go on is closed at once.
    fn open<'a>(&mut self, boundary: Boundary, line: u32, behind: &'a [u8]) -> Option<Open<'a>> {
        let (label, damage) = match boundary.unclosed() {
            Some(label) => (label.to_owned(), Some(Damage::NoDashes)),
            None => (boundary.label, boundary.more.then_some(Damage::OneLine)),
        };
        let begun = Open { line, label, behind };
        if damage.is_some() {
            self.close(&begun, b"", damage);
            return None;
        }
        Some(begun)
    }

    fn close(&mut self, block: &Open<'_>, body: &[u8], damage: Option<Damage>) {
        let kind = Kind::of(&block.label);
        if matches!(kind, None | Some(Kind::Key)) {
            let label = crate::wording::printable(&block.label, 40);
            if self.other_labels.len() < LABELS && !self.other_labels.contains(&label) {
                self.other_labels.push(label);
            }
        }
        if let Some(kind) = kind {
            let der = damage.map_or_else(|| decode(body), Err);
            self.blocks.push(Block { line: block.line, kind, der });
        }
    }
}

/// The bytes that a block's base64 stands for. Nothing on the way is allocated twice, so that everything of a
/// key is wiped.
fn decode(body: &[u8]) -> Result<Zeroizing<Vec<u8>>, Damage> {
    let mut digits = Zeroizing::new(Vec::with_capacity(body.len()));
    for line in lines(body) {
        // Headers as in RFC 1421.
        if !line.contains(&b':') {
            digits.extend(line.iter().copied().filter(|byte| !byte.is_ascii_whitespace()));
        } else if !digits.is_empty() {
            return Err(Damage::Base64("a line with a colon stands in it".to_owned()));
        } else if line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED") {
            return Err(Damage::Encrypted);
        }
    }
    if digits.is_empty() {
        return Err(Damage::Empty);
    }
    let mut der = Zeroizing::new(Vec::with_capacity(base64::decoded_len_estimate(digits.len())));
    BASE64.decode_vec(&*digits, &mut der).map_err(|error| Damage::Base64(error.to_string()))?;
    Ok(der)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines_and_results(text: &str) -> Vec<(u32, Result<Vec<u8>, Damage>)> {
        read(text.as_bytes())
            .blocks
            .into_iter()
            .filter(|block| block.kind == Kind::Certificate)
            .map(|block| (block.line, block.der.map(|der| der.to_vec())))
            .collect()
    }

    #[test]
    fn a_bundle_with_keys_and_text_between_is_read() {
        let text = "subject=CN=a\r\n-----BEGIN CERTIFICATE-----\r\nAAEC\r\n-----END CERTIFICATE-----\r\n\
            -----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----\n\
            text\n  -----BEGIN X509 CERTIFICATE-----\n  AwQ\n  -----END X509 CERTIFICATE-----";
        assert_eq!(lines_and_results(text), [(2, Ok(vec![0, 1, 2])), (9, Ok(vec![3, 4]))]);
        assert_eq!(read(text.as_bytes()).other_labels, ["PRIVATE KEY"]);
    }

    #[test]
    fn lines_may_end_as_on_old_macintoshes() {
        let text = "text\r-----BEGIN CERTIFICATE-----\rComment: a\rAAEC\r-----END CERTIFICATE-----\r";
        assert_eq!(
            lines_and_results(&format!("{text}{text}")),
            [(2, Ok(vec![0, 1, 2])), (7, Ok(vec![0, 1, 2]))]
        );
    }

    #[test]
    fn a_certificate_on_one_line_is_told() {
        let good = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
        for joint in ["", " ", "\\n"] {
            let text =
                format!("-----BEGIN CERTIFICATE-----{joint}AAEC{joint}-----END CERTIFICATE-----\n{good}");
            assert_eq!(lines_and_results(&text), [(1, Err(Damage::OneLine)), (2, Ok(vec![0, 1, 2]))]);
        }
        let key = "-----BEGIN PRIVATE KEY-----c2VjcmV0-----END PRIVATE KEY-----\n";
        assert_eq!(read(key.as_bytes()).other_labels, ["PRIVATE KEY"]);
    }

    #[test]
    fn blocks_that_were_joined_without_a_line_end_are_told() {
        let joined = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE----------BEGIN CERTIFICATE-----\nAwQ\n\
            -----END CERTIFICATE-----\n";
        assert_eq!(lines_and_results(joined), [(1, Err(Damage::Joined)), (3, Ok(vec![3, 4]))]);
        let more = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----x\ntext\n";
        assert_eq!(lines_and_results(more), [(1, Err(Damage::Joined))]);
        let twice =
            "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE----------BEGIN CERTIFICATE-----AwQ\n";
        assert_eq!(lines_and_results(twice), [(1, Err(Damage::Joined)), (3, Err(Damage::OneLine))]);
    }

    #[test]
    fn what_openssl_does_not_read_is_noted() {
        let (begin, end) = ("-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n");
        for (text, flaw) in [
            (format!("{begin}AAEC\n{end}"), None),
            (format!("{begin}AAEC\r\r\n{end}"), None),
            (format!("{begin}\nAAEC\n{end}"), None),
            (format!("{begin}  AAEC  \n  AAEC\n{end}"), None),
            (format!("{begin}Comment: a\n\nAAEC\n{end}"), Some((1, Flaw::Headers))),
            (format!("{begin}Comment: a\nAAEC\n{end}"), Some((1, Flaw::Headers))),
            (format!("{begin}AAE\n{end}"), Some((1, Flaw::NoPadding))),
            (format!("{begin}AAE=\n{end}"), None),
            (format!("{begin}AAEC\n{end}").replace('\n', "\r"), Some((1, Flaw::OldLineEnds))),
            (format!("{begin}AAEC\n{end}").replace(" C", "  C"), Some((1, Flaw::BlankLabel))),
            (format!("{begin}AAEC\n{end}").replace("E--", "E --"), Some((1, Flaw::BlankLabel))),
            (format!("{begin}AAEC\n{end}").replace('\n', "\u{b}\n"), None),
            (format!("{begin}AAEC\n{end}").replace('\n', "\u{a0}\n"), None),
            ("-----BEGIN PGP MESSAGE-----\nVersion: 1\n\nAAE\n-----END PGP MESSAGE-----\n".to_owned(), None),
            (format!("{begin}\n\nAAEC\n{end}  {begin}AAEC\n{end}"), Some((6, Flaw::Indented))),
            (format!("{begin}AAEC\n\n{end}"), Some((1, Flaw::BlankLine))),
            (format!("{begin}AAEC\n \nAAEC\n{end}"), Some((1, Flaw::BlankLine))),
            (format!("{begin}\n\nAAEC\n{end}"), Some((1, Flaw::BlankLine))),
            (format!("text\n {begin}AAEC\n{end}"), Some((2, Flaw::Indented))),
            (format!("{begin}AAEC\n\t{end}"), Some((1, Flaw::Indented))),
        ] {
            let pem = read(text.as_bytes());
            assert_eq!(pem.flaw, flaw, "{text}");
            assert!(pem.blocks.iter().all(|block| block.der.is_ok()), "{text}");
        }
    }

    #[test]
    fn damage_is_named_and_does_not_spread() {
        let good = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
        let begin = "-----BEGIN CERTIFICATE-----\nAAEC\n";
        assert_eq!(lines_and_results(begin), [(1, Err(Damage::Truncated))]);
        assert_eq!(
            lines_and_results(&format!("{begin}{good}")),
            [(1, Err(Damage::Truncated)), (3, Ok(vec![0, 1, 2]))]
        );
        let wrong_end = format!("{begin}-----END PRIVATE KEY-----\n{good}");
        assert_eq!(
            lines_and_results(&wrong_end),
            [(1, Err(Damage::WrongEnd("PRIVATE KEY".to_owned()))), (4, Ok(vec![0, 1, 2]))]
        );
        assert_eq!(
            lines_and_results("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"),
            [(1, Err(Damage::Empty))]
        );
        for begin in ["-----BEGIN CERTIFICATE----", "-----BEGIN CERTIFICATE", "-----BEGIN CERTIFICATE -"] {
            assert_eq!(
                lines_and_results(&format!("{begin}\nAAEC\n-----END CERTIFICATE-----\n{good}")),
                [(1, Err(Damage::NoDashes)), (4, Ok(vec![0, 1, 2]))]
            );
        }
        let colon = "-----BEGIN CERTIFICATE-----\nAAEC\nfoo: bar\nAAEC\n-----END CERTIFICATE-----";
        assert!(matches!(&lines_and_results(colon)[0].1, Err(Damage::Base64(why)) if why.contains("colon")));
        let noise = "-----BEGIN CERTIFICATE-----\nAA§EC\n-----END CERTIFICATE-----";
        assert!(matches!(lines_and_results(noise)[0].1, Err(Damage::Base64(_))));
    }

    #[test]
    fn a_file_of_a_million_labels_is_read_in_a_moment() {
        let lines: String = (0..1_000_000).map(|number| format!("-----BEGIN {number}-----\n")).collect();
        let began = std::time::Instant::now();
        assert_eq!(read(lines.as_bytes()).other_labels.len(), LABELS);
        assert!(began.elapsed() < std::time::Duration::from_secs(30));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
        }

        #[test]
        fn what_is_written_is_read_back(bytes in proptest::collection::vec(any::<u8>(), 1..400), width in 1_usize..100) {
            let digits = BASE64.encode(&bytes);
            let lines: Vec<_> = digits.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line)).collect();
            let text = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
            prop_assert_eq!(lines_and_results(&text), [(1, Ok(bytes))]);
        }
    }
}
