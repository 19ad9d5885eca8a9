//! The tokens that both formats share: names, labels, words, blanks. It knows one line, and nothing of families.

use std::borrow::Cow;

use super::{
    labels::{LabelSpan, Labels},
    problem::{Fault, Ingestion, Rule},
};

const NAME_START: u8 = 1;
const NAME: u8 = 2;
const COLON: u8 = 4;

/// The classes of the bytes, so that a name costs one look-up a byte.
static CLASS: [u8; 256] = {
    let mut class = [0_u8; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "less than 256")]
        let character = byte as u8;
        if character.is_ascii_alphabetic() || character == b'_' {
            class[byte] = NAME_START | NAME;
        } else if character.is_ascii_digit() {
            class[byte] = NAME;
        } else if character == b':' {
            class[byte] = COLON;
        }
        byte += 1;
    }
    class
};

/// How tokens are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Prometheus text: any blanks and tabs, a comma after the last label, three escapes.
    Free,
    /// OpenMetrics: no blank inside the braces, no trailing comma, no quoted name, unknown escapes stand for
    /// themselves.
    Strict,
}

/// Whether quoted names were asked for: who says `escaping=allow-utf-8` reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum QuotedNames {
    #[default]
    Unasked,
    Asked,
}

/// `\\`, `\"` and `\n` replaced; any other escape stands for itself.
pub(crate) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        match rest.as_bytes().get(at + 1) {
            Some(b'n') => text.push('\n'),
            Some(b'"') => text.push('"'),
            Some(b'\\') => text.push('\\'),
            _ => {
                text.push('\\');
                rest = &rest[at + 1..];
                continue;
            }
        }
        rest = &rest[at + 2..];
    }
    text.push_str(rest);
    text
}

/// The first of the two, and where it stands. Most values are short: what stands in the first words costs no call.
#[inline]
fn quote_or_backslash(bytes: &[u8]) -> Option<(usize, u8)> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const QUOTES: u64 = ONES * b'"' as u64;
    const BACKSLASHES: u64 = ONES * b'\\' as u64;
    // The highest bit of each byte that is zero; above the lowest such byte others may be marked, too.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let words = bytes.chunks_exact(8).take(3);
    for (index, word) in words.filter_map(|word| word.first_chunk()).enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES);
        if found != 0 {
            let at = index * 8 + found.trailing_zeros() as usize / 8;
            return Some((at, bytes[at]));
        }
    }
    memchr::memchr2(b'"', b'\\', bytes).map(|at| (at, bytes[at]))
}

/// Reads one line from left to right.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    style: Style,
    quoted_names: QuotedNames,
    /// Faults that do not keep the rest of the line from being read.
    pub(super) minor: Vec<Fault>,
    /// The line ended between two quotes.
    pub(super) quote_is_open: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, style: Style, quoted_names: QuotedNames) -> Self {
        Self { text, at: 0, style, quoted_names, minor: Vec::new(), quote_is_open: false }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Skips blanks and tabs, and says how many.
    pub(super) fn blanks(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        self.at - start
    }

    fn blanks_inside_braces(&mut self) {
        if self.style == Style::Free {
            self.blanks();
        }
    }

    /// Takes this byte if it comes next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let taken = self.peek() == Some(byte);
        self.at += usize::from(taken);
        taken
    }

    /// The same, where it is mostly the name of the line before.
    pub(super) fn metric_name_as_before(&mut self, names: &mut Labels) -> &'a str {
        let rest = &self.text.as_bytes()[self.at..];
        if let Some(length) = names.metric_as_before(rest)
            && rest.get(length).is_some_and(|&byte| CLASS[byte as usize] == 0)
        {
            let start = self.at;
            self.at += length;
            return &self.text[start..self.at];
        }
        let name = self.metric_name();
        names.remember_metric(name);
        name
    }

    /// A metric name; empty where none stands.
    pub(super) fn metric_name(&mut self) -> &'a str {
        self.name(NAME_START | COLON, NAME | COLON)
    }

    fn name(&mut self, first: u8, further: u8) -> &'a str {
        let bytes = self.text.as_bytes();
        let start = self.at;
        if bytes.get(start).is_some_and(|&byte| CLASS[byte as usize] & first != 0) {
            let length = bytes[start..].iter().position(|&byte| CLASS[byte as usize] & further == 0);
            self.at = length.map_or(bytes.len(), |length| start + length);
        }
        &self.text[start..self.at]
    }

    /// What stands up to the next blank or tab (free) or blank (strict), or the end.
    pub(super) fn word(&mut self) -> &'a str {
        let start = self.at;
        let bytes = &self.text.as_bytes()[start..];
        let end = bytes.iter().position(|&byte| byte == b' ' || (byte == b'\t' && self.style == Style::Free));
        self.at = end.map_or(self.text.len(), |end| start + end);
        &self.text[start..self.at]
    }

    /// Where the token that starts here ends, to be shown in a message.
    pub(super) fn end_of_token(&self) -> usize {
        let rest = &self.text[self.at..];
        let end = rest.char_indices().skip(1).find(|(_, c)| matches!(c, ' ' | '\t' | ',' | '{' | '}' | '='));
        end.map_or(self.text.len(), |(end, _)| self.at + end)
    }

    pub(super) fn fault(&self, rule: Rule, message: impl Into<Cow<'static, str>>) -> Fault {
        Fault::new(rule, self.at, self.end_of_token(), message)
    }

    /// What is to be said of a line that starts with no name.
    pub(super) fn no_name(&self) -> Fault {
        if self.style == Style::Free && self.text.starts_with('\0') {
            let message = "Prometheus takes a byte that is 0 for the end of the text, and loses the rest without a word";
            return Fault::new(Rule::ZeroByte, 0, self.text.len(), message);
        }
        self.fault(
            Rule::MetricName,
            match self.text.as_bytes() {
                [0xef, 0xbb, 0xbf, ..] => "the text begins with a byte order mark; save it as UTF-8 without one",
                [b'<', ..] => "this is markup (a login or an error page?) and no exposition",
                _ => "a line starts with a metric name: letters, digits, underscores and colons, no digit first",
            },
        )
    }

    /// The labels behind an opening brace, up to and with the closing one. Comes back with the place of a
    /// quoted metric name, if one stands among them.
    pub(super) fn labels(&mut self, labels: &mut Labels) -> Result<Option<(usize, usize)>, Fault> {
        labels.clear();
        let opened = self.at - 1;
        let mut quoted_name = None;
        self.blanks_inside_braces();
        if self.take(b'}') {
            return Ok(None);
        }
        loop {
            if let Some((length, hash)) = labels.as_before(&self.text.as_bytes()[self.at..]) {
                let name = (self.at, self.at + length);
                self.at = name.1 + 1;
                let (value, escaped) = self.quoted()?;
                labels.push_as_before(name, hash, value, escaped);
            } else if let Some(name) = self.label(opened, quoted_name.is_none(), labels)? {
                quoted_name = Some(name);
            }
            self.blanks_inside_braces();
            match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    break;
                }
                Some(b',') => {
                    self.at += 1;
                    self.blanks_inside_braces();
                    if self.peek() == Some(b'}') {
                        if self.style == Style::Strict {
                            let message = "no comma may stand behind the last label";
                            let fault = self.fault(Rule::LabelSyntax, message);
                            self.minor.push(fault.ingestion(Ingestion::RefusedByOlder));
                        }
                        self.at += 1;
                        break;
                    }
                }
                Some(_) => {
                    let message = "a comma or a closing brace must follow a label";
                    let fault = self.fault(Rule::LabelSyntax, message);
                    let starts_a_label =
                        CLASS[usize::from(self.peek().unwrap_or_default())] & NAME_START != 0;
                    if self.style == Style::Strict || !starts_a_label {
                        return Err(fault);
                    }
                    // Prometheus reads on without the comma.
                    self.minor.push(fault.ingestion(Ingestion::Whole));
                }
                None => return Err(self.not_closed(opened)),
            }
        }
        if labels.are_as_before() {
            return Ok(quoted_name);
        }
        if let Some(twice) = labels.twice(self.text) {
            let (from, to) = twice.name_range();
            let fault = Fault::new(Rule::DuplicateLabel, from, to, "this label stands twice on the sample");
            // Where one of the values is empty, Prometheus takes the label away, and does not count it.
            if labels.twice_with_values(self.text) {
                return Err(fault);
            }
            self.minor.push(fault.ingestion(Ingestion::Whole));
        } else {
            labels.remember(self.text);
        }
        Ok(quoted_name)
    }

    /// One label; or a quoted metric name, where one may stand here, which comes back.
    fn label(
        &mut self,
        opened: usize,
        may_be_name: bool,
        labels: &mut Labels,
    ) -> Result<Option<(usize, usize)>, Fault> {
        let name = self.label_name(opened)?;
        self.blanks_inside_braces();
        let quoted = self.text.as_bytes().get(name.1) == Some(&b'"');
        if quoted && matches!(self.peek(), Some(b',' | b'}')) && may_be_name {
            return Ok(Some(name));
        }
        if !self.take(b'=') {
            return Err(self.fault(Rule::LabelSyntax, "an equals sign must follow a label's name"));
        }
        self.blanks_inside_braces();
        if self.peek() != Some(b'"') {
            return Err(self.fault(Rule::LabelSyntax, "a label's value must stand in double quotes"));
        }
        if name.0 == name.1 {
            return Err(Fault::new(Rule::LabelName, name.0, name.1, "a label's name may not be empty"));
        }
        let (value, escaped) = self.quoted()?;
        labels.push(self.text, name, value, escaped);
        Ok(None)
    }

    fn not_closed(&self, opened: usize) -> Fault {
        Fault::new(Rule::LabelSyntax, opened, self.text.len(), "the brace is never closed")
    }

    /// A label's name; a quoted one comes back without its quotes.
    fn label_name(&mut self, opened: usize) -> Result<(usize, usize), Fault> {
        let start = self.at;
        if self.peek() == Some(b'"') {
            let (name, _) = self.quoted()?;
            self.minor.extend(self.quoted_name_fault(name));
            return Ok(name);
        }
        if self.name(NAME_START, NAME).is_empty() {
            return Err(match self.peek() {
                None => self.not_closed(opened),
                Some(b',' | b'}' | b' ' | b'\t') => {
                    Fault::new(Rule::LabelSyntax, self.at, self.at + 1, "a label's name must stand here")
                }
                Some(_) => self.fault(
                    Rule::LabelName,
                    "a label's name has only letters, digits and underscores, and starts with no digit",
                ),
            });
        }
        Ok((start, self.at))
    }

    /// Where the metric name of a sample with braces stands: before the brace at `brace`, or quoted behind it.
    pub(super) fn name_of_braced(
        &self,
        before: (usize, usize),
        quoted: Option<(usize, usize)>,
        brace: usize,
    ) -> Result<(usize, usize), Fault> {
        match (quoted, before.0 == before.1) {
            (Some(quoted), true) if quoted.0 < quoted.1 => Ok(quoted),
            (None, false) => Ok(before),
            (Some((from, to)), _) => {
                let message = "there must be one metric name, and not an empty one";
                Err(Fault::new(Rule::LabelSyntax, from, to, message))
            }
            (None, true) => Err(Fault::new(Rule::MetricName, brace, self.at, "there is no metric name")),
        }
    }

    /// A quoted metric name on a HELP or TYPE line, without its quotes.
    pub(super) fn quoted_name(&mut self) -> Option<(usize, usize)> {
        self.quoted().ok().map(|(at, _)| at)
    }

    /// What is to be said of a quoted name here; nothing where it was asked for.
    pub(super) fn quoted_name_fault(&self, (from, to): (usize, usize)) -> Option<Fault> {
        (self.quoted_names == QuotedNames::Unasked).then(|| match self.style {
            Style::Free => {
                let message = "a quoted name is read by Prometheus 3 and later only";
                Fault::new(Rule::QuotedName, from, to, message)
            }
            Style::Strict => {
                let message = "OpenMetrics 1.0 has no quoted names; only Prometheus 3 reads them";
                Fault::new(Rule::LabelSyntax, from, to, message).ingestion(Ingestion::RefusedByOlder)
            }
        })
    }

    /// What stands in double quotes; the scanner stands on the opening one. Says whether it holds escapes.
    #[inline]
    fn quoted(&mut self) -> Result<((usize, usize), bool), Fault> {
        let from = self.at + 1;
        match quote_or_backslash(&self.text.as_bytes()[from..]) {
            Some((length, b'"')) => {
                self.at = from + length + 1;
                Ok(((from, from + length), false))
            }
            _ => self.quoted_with_escapes(),
        }
    }

    /// The same where an escape comes first, or no quote.
    #[cold]
    fn quoted_with_escapes(&mut self) -> Result<((usize, usize), bool), Fault> {
        let opened = self.at;
        let bytes = self.text.as_bytes();
        let mut at = opened + 1;
        let mut escaped = false;
        loop {
            let Some((found, byte)) = quote_or_backslash(&bytes[at..]) else {
                self.quote_is_open = true;
                return Err(Fault::new(
                    Rule::LabelSyntax,
                    opened,
                    self.text.len(),
                    "the quote is never closed",
                ));
            };
            at += found;
            if byte == b'"' {
                self.at = at + 1;
                return Ok(((opened + 1, at), escaped));
            }
            if bytes.get(at + 1) == Some(&b'\n') {
                let message = "a backslash may not stand before a line feed";
                return Err(Fault::new(Rule::LabelSyntax, at, at + 1, message));
            }
            escaped = true;
            let known = matches!(bytes.get(at + 1), Some(b'"' | b'\\' | b'n'));
            if !known && self.style == Style::Free {
                let shown = self.text[at..].chars().take(2).map(char::len_utf8).sum::<usize>();
                let message = "only \\\\, \\\" and \\n are escapes in a label's value";
                self.minor.push(Fault::new(Rule::Escape, at, at + shown, message));
            }
            // The byte after the backslash may start a character of several bytes: none of the further ones
            // is a quote or a backslash.
            at = (at + 2).min(bytes.len());
        }
    }

    /// What is to be said where one of a sample's labels is called `__name__`.
    pub(super) fn name_label_fault(&self, spans: &[LabelSpan]) -> Option<Fault> {
        let is_it = |label: &&LabelSpan| label.is_reserved() && label.name_bytes(self.text) == b"__name__";
        let (from, to) = spans.iter().find(is_it)?.name_range();
        let message =
            "Prometheus keeps the metric's name in this label, and takes no sample that brings it along";
        Some(Fault::new(Rule::NameLabel, from, to, message))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::quote_or_backslash;

    proptest! {
        /// Beside the two, bytes that differ from them by one, or by the highest bit, are what words could mix up.
        #[test]
        fn the_first_quote_or_backslash_is_found_wherever_it_stands(
            bytes in vec(select(&b"\"\\!#[]\xa2\xdc\xa1\xa3\xdb\xdd\x00\x01\x7f\x80\xffab"[..]), 0..40),
            plain in 0_usize..40,
        ) {
            let bytes = [vec![b'a'; plain], bytes].concat();
            let naive = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\')).map(|at| (at, bytes[at]));
            prop_assert_eq!(quote_or_backslash(&bytes), naive);
        }
    }
}
