//! Secrets in quotes: `"password": "…"` of JSON, also of JSON within a string, `token: '…'` of YAML, `secret = "…"` of
//! TOML. The words of a quoted value are not taken one by one: there may be blanks in it. Pure.

/// Names that make the quoted value behind them a secret, in lower case.
const NAMES: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "private_key",
    "credential",
    "authorization",
];

/// The text with `***` for each quoted value that stands behind the name of a secret.
pub(super) fn hidden(text: &str) -> String {
    // Letters keep their places: only those of ASCII change.
    let lower = text.to_ascii_lowercase();
    let of_name = |name: &'static str| lower.match_indices(name).map(move |(at, name)| at + name.len());
    let mut ends: Vec<usize> = NAMES.into_iter().flat_map(of_name).collect();
    ends.sort_unstable();
    let mut out = String::with_capacity(text.len());
    let mut told = 0;
    for end in ends {
        if end < told {
            continue;
        }
        if let Some((start, stop)) = value(&text[end..]) {
            out.push_str(&text[told..end + start]);
            out.push_str("***");
            told = end + stop;
        }
    }
    out.push_str(&text[told..]);
    out
}

/// Of what stands behind a name: where the quoted value begins and ends; `None` where no sign or no quote follows.
fn value(behind: &str) -> Option<(usize, usize)> {
    let rest = ["\\\"", "\"", "'"].iter().find_map(|quote| behind.strip_prefix(quote)).unwrap_or(behind);
    let rest = rest.trim_start_matches([' ', '\t']);
    let rest = rest.strip_prefix("=>").or_else(|| rest.strip_prefix([':', '=']))?;
    let rest = rest.trim_start_matches([' ', '\t']);
    let quote = ["\\\"", "\"", "'"].into_iter().find(|quote| rest.starts_with(quote))?;
    let start = behind.len() - rest.len() + quote.len();
    let inside = &behind[start..];
    let line = inside.split('\n').next().unwrap_or_default();
    // A value whose end was cut off hides the rest of its line.
    Some((start, start + closing(line, quote).unwrap_or(line.len())))
}

/// Where the quote stands again, and not behind a backslash.
fn closing(line: &str, quote: &str) -> Option<usize> {
    line.match_indices(quote).map(|(at, _)| at).find(|at| {
        let backslashes = line[..*at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        backslashes % 2 == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_are_hidden_whole() {
        for (given, kept) in [
            (r#"{"password": "hunter2", "user":"app"}"#, r#"{"password": "***", "user":"app"}"#),
            (r#"{"db_password":"a \"b\" c","x":1}"#, r#"{"db_password":"***","x":1}"#),
            (r#""{\"api_key\": \"hunter2\"}""#, r#""{\"api_key\": \"***\"}""#),
            ("token: 'correct horse battery'", "token: '***'"),
            ("client_secret = \"two words\" # why", "client_secret = \"***\" # why"),
            ("'passwd' => 'x'", "'passwd' => '***'"),
            ("\"secret\": \"cut off here\nnext line", "\"secret\": \"***\nnext line"),
            ("Authorization: \"Bearer abc\"", "Authorization: \"***\""),
        ] {
            assert_eq!(hidden(given), kept);
        }
    }

    #[test]
    fn what_names_no_secret_stays() {
        for text in [
            "",
            "the token \"x\" was refused",
            r#"{"token_count": "5", "max_tokens": 7}"#,
            "password:",
            "password: é",
            "İpassword: x",
        ] {
            assert_eq!(hidden(text), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_else_is_touched_and_nothing_panics(text in "(password|token|\\\\|\"|'|:|=|é| |\n|a){0,30}") {
            let told = hidden(&text);
            proptest::prop_assert_eq!(told.matches('\n').count(), text.matches('\n').count());
        }
    }
}
