//! Templates of labels and annotations: whether they close what they open, call what there is, and name labels
//! that can be there. Pure. It reads Go's templates as far as that needs; what is doubtful passes, and is promtool's to
//! judge.

use std::sync::LazyLock;

use regex::Regex;

/// What Prometheus gives to its templates, and what Go's own engine does.
const FUNCTIONS: &[&str] = &[
    "query",
    "first",
    "label",
    "value",
    "sortByLabel",
    "strvalue",
    "args",
    "reReplaceAll",
    "safeHtml",
    "match",
    "title",
    "toUpper",
    "toLower",
    "graphLink",
    "tableLink",
    "externalURL",
    "pathPrefix",
    "tmpl",
    "parseDuration",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "toTime",
    "toDuration",
    "now",
    "stripPort",
    "stripDomain",
    "urlQueryEscape",
    "and",
    "or",
    "not",
    "call",
    "html",
    "index",
    "slice",
    "js",
    "len",
    "print",
    "printf",
    "println",
    "urlquery",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "if",
    "else",
    "end",
    "range",
    "with",
    "define",
    "template",
    "block",
    "break",
    "continue",
    "nil",
    "true",
    "false",
];

static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?:\$labels|\.Labels)\.([A-Za-z_][A-Za-z0-9_]*)|index\s+(?:\$labels|\.Labels)\s+"([^"]+)""#)
        .ok()
});

/// What Prometheus gives to its templates beside functions and variables.
const FIELDS: &[&str] = &["Labels", "ExternalLabels", "ExternalURL", "Value"];

/// What is wrong with most texts in which something else stands.
const UNRENDERED: &str = "a template of Helm must be rendered before Prometheus reads it";

/// What a template needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    /// The labels that it names in `$labels`.
    pub(crate) labels: Vec<String>,
}

/// What is wrong with a template, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Prometheus does not load the file; promtool knows best.
    Unparsed(String),
    /// It is loaded, and says what nobody meant.
    Meaningless(String),
}

impl Wrong {
    /// The sentence.
    pub(crate) fn said(&self) -> &str {
        let (Self::Unparsed(said) | Self::Meaningless(said)) = self;
        said
    }
}

fn unparsed(said: impl Into<String>) -> Wrong {
    Wrong::Unparsed(said.into())
}

/// Whether a newer Prometheus than one that does not know the function may know it.
pub(crate) fn knows(function: &str) -> bool {
    FUNCTIONS.contains(&function)
}

/// Reads a text that may hold template actions.
///
/// # Errors
/// What Prometheus would refuse, or fill in otherwise than it was meant.
pub(crate) fn read(text: &str) -> Result<Template, Wrong> {
    let (mut rest, mut open, mut labels) = (text, Vec::new(), Vec::new());
    let mut variables = Variables::default();
    while let Some((_, behind)) = rest.split_once("{{") {
        let end = end_of_action(behind).ok_or_else(|| unparsed("a '{{' is not closed by '}}'"))?;
        let action = behind[..end].trim_start_matches('-').trim_end_matches('-').trim();
        rest = &behind[end + 2..];
        if action.starts_with("/*") {
            continue;
        }
        if action.is_empty() {
            return Err(unparsed("an action '{{ }}' is empty"));
        }
        for found in LABEL.iter().flat_map(|regex| regex.captures_iter(action)) {
            labels.extend(found.get(1).or_else(|| found.get(2)).map(|name| name.as_str().to_owned()));
        }
        if action.contains("{{") {
            return Err(Wrong::Meaningless(format!("it shows '{{{{' as it stands: {UNRENDERED}")));
        }
        let bare = without_texts(action);
        // Within these the dot is something else.
        let dot_is_ours =
            !open.iter().any(|word: &String| ["range", "with", "block", "define"].contains(&word.as_str()));
        if let Some(field) = unknown_field(&bare).filter(|_| dot_is_ours) {
            let said = format!("Prometheus gives its templates no '{field}': {UNRENDERED}");
            return Err(Wrong::Meaningless(said));
        }
        match bare.split_whitespace().next().unwrap_or_default() {
            word @ ("if" | "range" | "with" | "block" | "define") => open.push(word.to_owned()),
            "end" if open.pop().is_none() => return Err(unparsed("an '{{ end }}' ends nothing")),
            "else" if open.is_empty() => return Err(unparsed("an '{{ else }}' belongs to nothing")),
            _ => {}
        }
        if let Some(unknown) = unknown_function(&bare) {
            return Err(unparsed(format!("there is no function '{unknown}'")));
        }
        if let Some(unknown) = variables.unknown(&bare, open.len()) {
            return Err(unparsed(format!("there is no variable '${unknown}'")));
        }
    }
    match open.pop() {
        Some(word) => Err(unparsed(format!("a '{{{{ {word} }}}}' has no '{{{{ end }}}}'"))),
        None => Ok(Template { labels }),
    }
}

/// What Prometheus declares before a template begins.
const DECLARED: [&str; 4] = ["labels", "externalLabels", "externalURL", "value"];

static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\$(\w+)").ok());
static DECLARATION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:\$(\w+)\s*,\s*)?\$(\w+)\s*:=").ok());

/// The variables that are declared so far, each with how many blocks are open around it.
#[derive(Debug, Default)]
struct Variables(Vec<(usize, String)>);

impl Variables {
    /// The first variable that an action names and nothing declares; what it declares is known from then on.
    fn unknown(&mut self, bare: &str, depth: usize) -> Option<String> {
        self.0.retain(|(declared, _)| *declared <= depth);
        for found in DECLARATION.iter().flat_map(|regex| regex.captures_iter(bare)) {
            let names = [found.get(1), found.get(2)].into_iter().flatten();
            self.0.extend(names.map(|name| (depth, name.as_str().to_owned())));
        }
        let mut named =
            VARIABLE.iter().flat_map(|regex| regex.captures_iter(bare)).map(|found| found[1].to_owned());
        named.find(|name| {
            !DECLARED.contains(&name.as_str()) && self.0.iter().all(|(_, declared)| declared != name)
        })
    }
}

/// Where the action ends; `}}` inside of a text does not end it.
fn end_of_action(text: &str) -> Option<usize> {
    let (mut quote, mut escaped) = (None, false);
    for (at, sign) in text.char_indices() {
        match (quote, sign) {
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(open), sign) if sign == open && !escaped => quote = None,
            (None, '"' | '`') => quote = Some(sign),
            (None, '}') if text[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
        escaped = false;
    }
    None
}

fn without_texts(action: &str) -> String {
    let (mut bare, mut quote, mut escaped) = (String::new(), None, false);
    for sign in action.chars() {
        match quote {
            None if matches!(sign, '"' | '`') => {
                quote = Some(sign);
                bare.push(' ');
            }
            None => bare.push(sign),
            Some(open) => {
                if sign == open && !escaped {
                    quote = None;
                }
                escaped = sign == '\\' && !escaped && open == '"';
            }
        }
    }
    bare
}

/// A field of the dot that Prometheus does not give.
fn unknown_field(bare: &str) -> Option<String> {
    let words = bare.split(|sign: char| sign.is_whitespace() || "()|,=:".contains(sign));
    let fields = words.filter_map(|word| word.strip_prefix("$.").or_else(|| word.strip_prefix('.')));
    let first = fields.map(|path| path.split('.').next().unwrap_or(path));
    // What begins with a digit is a number.
    let named = |field: &&str| field.starts_with(|sign: char| sign.is_alphabetic() || sign == '_');
    first.filter(named).find(|field| !FIELDS.contains(field)).map(|field| format!(".{field}"))
}

/// A word in the place of a function that is none.
fn unknown_function(bare: &str) -> Option<String> {
    let words = bare.split(|sign: char| sign.is_whitespace() || "()|,=:".contains(sign));
    let names = words.filter(|word| word.starts_with(|sign: char| sign.is_ascii_alphabetic()));
    names
        .map(|word| word.split('.').next().unwrap_or(word))
        .find(|word| !FUNCTIONS.contains(word))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_and_what_go_refuses_is_refused() {
        let labels = |text| read(text).unwrap().labels;
        assert_eq!(labels("{{ $labels.job }} on {{ .Labels.instance | toUpper }}"), ["job", "instance"]);
        assert_eq!(labels("{{ index $labels \"a-b\" }}{{ $value | humanize }}"), ["a-b"]);
        assert_eq!(labels("{{ printf \"a }} %v\" $labels.job }}"), ["job"]);
        assert_eq!(
            labels(
                "{{- if gt $value 1.0 -}} a {{ else }} b {{ end }}{{ with query \"up\" }}{{ . | first | value }}{{ end }}"
            ),
            [""; 0]
        );
        assert_eq!(labels("{{ range $i, $x := query \"up\" }}{{ $x.Labels.job }}{{ end }}"), ["job"]);
        assert_eq!(labels("{{ .Value }}{{ .ExternalURL }}{{ $.ExternalLabels.cluster }}"), [""; 0]);
        assert_eq!(
            labels(
                "{{ with $labels }}{{ .job }}{{ end }}{{ printf \"%.2f\" .Value }}{{ if gt .Value .5 }}{{ end }}"
            ),
            [""; 0]
        );
        assert_eq!(labels("100 % {no} action }}"), [""; 0]);
        for (wrong, says) in [
            ("{{ $value", "not closed"),
            ("{{ }}", "empty"),
            ("{{ if $value }} x", "no '{{ end }}'"),
            ("{{ end }}", "ends nothing"),
            ("{{ $value | humanise }}", "'humanise'"),
            ("{{ labels.job }}", "'labels'"),
            ("{{ .Values.severity }}", "no '.Values': a template of Helm"),
            ("{{ if $.Release.IsInstall }}a{{ end }}", "no '.Release'"),
            ("{{`{{ $labels.job }}`}}", "as it stands: a template of Helm"),
            ("{{ $vlaue }}", "no variable '$vlaue'"),
            ("{{ if gt $value 1.0 }}{{ $x := 1 }}{{ end }}{{ $x }}", "no variable '$x'"),
            ("{{ range $x := query \"up\" }}{{ end }}{{ $x.Value }}", "no variable '$x'"),
        ] {
            assert!(read(wrong).unwrap_err().said().contains(says), "{wrong}: {:?}", read(wrong));
        }
        for right in [
            "{{ $x := $value }}{{ if gt $x 1.0 }}{{ $x }}{{ end }}{{ $x }}",
            "{{ with $first := query \"up\" | first }}{{ $first.Value }}{{ else }}{{ $externalURL }}{{ end }}",
            "{{ range $i, $x := query \"up\" }}{{ $i }}{{ $.Value }}{{ $x | value }}{{ end }}{{ printf \"$y\" }}",
        ] {
            assert!(read(right).is_ok(), "{right}: {:?}", read(right));
        }
    }
}
