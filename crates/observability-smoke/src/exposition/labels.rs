//! The labels of one line, as places in it; and the names of the labels of the line before, which most lines have again:
//! such a name needs no second look.

use std::borrow::Cow;

use super::{fingerprint, scan::unescape};

/// Where a label stands in its line: byte offsets of the name and the value, without quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct LabelSpan {
    name: (u32, u32),
    value: (u32, u32),
    /// The fingerprint of the name.
    hash: u64,
    /// Whether the value holds escapes.
    escaped: bool,
    /// Whether the name starts with two underscores.
    reserved: bool,
}

#[expect(clippy::cast_possible_truncation, reason = "a line is at most a mebibyte long")]
const fn span((from, to): (usize, usize)) -> (u32, u32) {
    (from as u32, to as u32)
}

impl LabelSpan {
    pub(super) fn name<'a>(&self, line: &'a str) -> &'a str {
        &line[self.name.0 as usize..self.name.1 as usize]
    }

    /// The same as bytes: where a character begins is not looked at.
    pub(super) fn name_bytes<'a>(&self, line: &'a str) -> &'a [u8] {
        &line.as_bytes()[self.name.0 as usize..self.name.1 as usize]
    }

    pub(super) fn value<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let raw = &line[self.value.0 as usize..self.value.1 as usize];
        if self.escaped { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) }
    }

    /// What it adds to the fingerprint of its sample.
    pub(super) fn fingerprint(&self, line: &str) -> u64 {
        if self.escaped {
            return fingerprint::of_label(self.hash, self.value(line).as_bytes());
        }
        fingerprint::of_label(self.hash, &line.as_bytes()[self.value.0 as usize..self.value.1 as usize])
    }

    pub(super) const fn has_no_value(&self) -> bool {
        self.value.0 == self.value.1
    }

    /// Whether its name starts with two underscores, as Prometheus' own do.
    pub(super) const fn is_reserved(&self) -> bool {
        self.reserved
    }

    pub(super) const fn name_range(&self) -> (usize, usize) {
        (self.name.0 as usize, self.name.1 as usize)
    }

    /// Whether both have the same name.
    fn has_the_name_of(&self, other: &Self, line: &str) -> bool {
        self.name.1 - self.name.0 == other.name.1 - other.name.0
            && self.name_bytes(line) == other.name_bytes(line)
    }
}

/// A name of the line before, as it stood there: with the equals sign and the quote behind it.
#[derive(Debug, Clone, Copy)]
struct Known {
    from: usize,
    to: usize,
    hash: u64,
}

/// The labels of the line that is being read.
#[derive(Debug, Default)]
pub(super) struct Labels {
    /// The metric's name in the line before, which was not quoted.
    metric: String,
    spans: Vec<LabelSpan>,
    /// Whether one of the names so far is another than the line before had in its place.
    others: bool,
    /// The names of the line before, up to the first that is not to be passed unseen. No two are the same.
    before: Vec<Known>,
    /// These, one behind the other.
    written: Vec<u8>,
}

impl Labels {
    pub(super) fn spans(&self) -> &[LabelSpan] {
        &self.spans
    }

    /// Takes them out, so that a sample can be placed while the names are kept; [`Self::give_back`] ends it.
    pub(super) fn take(&mut self) -> Vec<LabelSpan> {
        std::mem::take(&mut self.spans)
    }

    /// The place that they took, to be filled again.
    pub(super) fn give_back(&mut self, spans: Vec<LabelSpan>) {
        self.spans = spans;
    }

    pub(super) fn clear(&mut self) {
        self.spans.clear();
        self.others = false;
    }

    /// The length of the metric's name, where the line before had one with which this line begins, too.
    pub(super) fn metric_as_before(&self, rest: &[u8]) -> Option<usize> {
        (!self.metric.is_empty() && rest.starts_with(self.metric.as_bytes())).then_some(self.metric.len())
    }

    pub(super) fn remember_metric(&mut self, name: &str) {
        name.clone_into(&mut self.metric);
    }

    /// The length of the name that comes next in the line, and its fingerprint, where the line before had the same in
    /// this place. An equals sign and a quote follow it.
    pub(super) fn as_before(&self, rest: &[u8]) -> Option<(usize, u64)> {
        let known = self.before.get(self.spans.len()).filter(|_| !self.others)?;
        let written = &self.written[known.from..known.to];
        rest.starts_with(written).then_some((written.len() - 2, known.hash))
    }

    /// Takes a label whose name the line before had, with this fingerprint.
    pub(super) fn push_as_before(
        &mut self,
        name: (usize, usize),
        hash: u64,
        value: (usize, usize),
        escaped: bool,
    ) {
        self.spans.push(LabelSpan { name: span(name), value: span(value), hash, escaped, reserved: false });
    }

    /// Takes any other label.
    pub(super) fn push(&mut self, line: &str, name: (usize, usize), value: (usize, usize), escaped: bool) {
        let bytes = &line.as_bytes()[name.0..name.1];
        let (hash, reserved) = (fingerprint::of_label_name(bytes), bytes.starts_with(b"__"));
        self.spans.push(LabelSpan { name: span(name), value: span(value), hash, escaped, reserved });
        self.others = true;
    }

    /// Whether all names are those of the line before.
    pub(super) const fn are_as_before(&self) -> bool {
        !self.others
    }

    /// Keeps the names for the next line; no two may be the same.
    pub(super) fn remember(&mut self, line: &str) {
        self.before.clear();
        self.written.clear();
        for label in &self.spans {
            let (from, to) = label.name_range();
            let written = line.as_bytes().get(from..to + 2).filter(|written| written.ends_with(b"=\""));
            let Some(written) = written.filter(|_| !label.reserved) else { return };
            let from = self.written.len();
            self.written.extend_from_slice(written);
            self.before.push(Known { from, to: self.written.len(), hash: label.hash });
        }
    }

    /// The first label whose name stands twice.
    pub(super) fn twice(&self, line: &str) -> Option<&LabelSpan> {
        twice(&self.spans, line)
    }

    /// The same, where labels without a value do not count, and others of their names neither.
    pub(super) fn twice_with_values(&self, line: &str) -> bool {
        let empty: std::collections::HashSet<_> =
            self.spans.iter().filter(|label| label.has_no_value()).map(|label| label.name(line)).collect();
        let valued = self.spans.iter().filter(|label| !empty.contains(label.name(line)));
        twice(&valued.copied().collect::<Vec<_>>(), line).is_some()
    }
}

fn twice<'s>(spans: &'s [LabelSpan], line: &str) -> Option<&'s LabelSpan> {
    let index = if spans.len() <= 16 {
        (1..spans.len()).find(|&i| spans[..i].iter().any(|other| other.has_the_name_of(&spans[i], line)))
    } else {
        let mut seen = std::collections::HashSet::with_capacity(spans.len());
        spans.iter().position(|label| !seen.insert(label.name(line)))
    };
    index.and_then(|index| spans.get(index))
}

#[cfg(test)]
mod tests {
    use super::{
        super::scan::{QuotedNames, Scanner, Style},
        *,
    };

    /// What is read of a line, told in words.
    fn read(line: &str, labels: &mut Labels, style: Style) -> String {
        let mut scanner = Scanner::new(line, style, QuotedNames::Unasked);
        let name = scanner.metric_name_as_before(labels);
        if !scanner.take(b'{') {
            return name.to_owned();
        }
        let done = scanner.labels(labels);
        let of = |label: &LabelSpan| (label.name(line), label.value(line), label.hash, label.is_reserved());
        let spans: Vec<_> = labels.spans().iter().map(of).collect();
        let spans = if done.is_ok() { spans } else { Vec::new() };
        format!("{name} {spans:?} {done:?} {:?} {}", scanner.minor, scanner.at)
    }

    #[test]
    fn a_line_is_read_in_the_same_way_whatever_stood_before_it() {
        let lines = [
            "m 1",
            "m{} 1",
            r#"m{a="1"} 1"#,
            r#"m{a="1",b="2"} 1"#,
            r#"m{a="",b="2"} 1"#,
            r#"m{b="2",a="1"} 1"#,
            r#"m{a="1",a="2"} 1"#,
            r#"m{a="1",b="2",a="3"} 1"#,
            r#"m{a="",a="3"} 1"#,
            r#"m{a="1",b="2",} 1"#,
            r#"m{a ="1", b= "2"} 1"#,
            r#"m{a="1"b="2"} 1"#,
            r#"m{ab="1",a="2"} 1"#,
            r#"m{a="\"1\\",b="\x"} 1"#,
            r#"m{a="a value that is longer than three words of the machine",b="2"} 1"#,
            r#"m{a="1",b="2} 1"#,
            r#"m{a="1",b=2} 1"#,
            r#"m{a="1",__name__="m",b="2"} 1"#,
            r#"m{__a="1",b="2"} 1"#,
            r#"m{"a"="1",b="2"} 1"#,
            r#"{"m",a="1"} 1"#,
            r#"{a="1","m"} 1"#,
            r#"mm{a="1"} 1"#,
            r#"m:{a="1"} 1"#,
            r#"m"#,
            r#"m{"#,
        ];
        for style in [Style::Free, Style::Strict] {
            for before in lines {
                for line in lines {
                    let mut labels = Labels::default();
                    read(before, &mut labels, style);
                    // What came to grief before leaves nothing behind either.
                    read("m{a=\"1\",c", &mut labels, style);
                    read(before, &mut labels, style);
                    let told = read(line, &mut labels, style);
                    assert_eq!(told, read(line, &mut Labels::default(), style), "{before} then {line}");
                }
            }
        }
    }
}
