//! Secrets that only this process knows: the values of its environment that bear a secret's name, and what has a
//! secret's shape. They are taken out of what a child printed, and out of the command line that is recorded.

use std::ffi::OsString;

/// A variable with one of these in its name (in lower case) holds a secret.
const SECRET_NAMES: [&str; 10] = [
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "access_key",
    "private_key",
    "credential",
    "passphrase",
];

/// A shorter value would take words out that are no secret.
const SHORTEST: usize = 6;

/// What tokens of well-known services begin with, and how long they are at least.
const SHAPES: [(&str, usize); 11] = [
    ("ghp_", 20),
    ("gho_", 20),
    ("ghs_", 20),
    ("github_pat_", 20),
    ("glpat-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("sk_live_", 20),
    ("AKIA", 20),
    ("ASIA", 20),
    ("hvs.", 20),
];

const HIDDEN: &str = "***";

/// What must not be shown.
#[derive(Debug, Clone, Default)]
pub struct Mask {
    values: Vec<String>,
}

impl Mask {
    /// The secrets among these variables: usually `std::env::vars_os()`.
    #[must_use]
    pub fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut values: Vec<_> = variables
            .into_iter()
            .filter(|(name, _)| is_secret_name(&name.to_string_lossy()))
            .map(|(_, value)| value.to_string_lossy().trim().to_owned())
            .filter(|value| value.len() >= SHORTEST)
            .collect();
        // A value that holds another goes first.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Self { values }
    }

    /// The text without the secrets: values, private keys, tokens by their shape.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for value in &self.values {
            text = text.replace(value.as_str(), HIDDEN);
        }
        without_tokens(&without_private_keys(&text))
    }
}

/// Whether a variable or a flag of this name holds a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

/// PEM private keys are left out whole; also one whose beginning or end was cut off.
fn without_private_keys(text: &str) -> String {
    let mut kept = Vec::new();
    let mut inside = false;
    for line in text.split('\n') {
        let begins = line.contains("-----BEGIN ") && line.contains("PRIVATE KEY");
        let ends = line.contains("-----END ") && line.contains("PRIVATE KEY");
        if ends && !inside && !begins {
            // Its beginning was cut off: what stands before is the key.
            kept.clear();
        }
        if begins || (ends && !inside) {
            kept.push("[a private key is left out]");
        } else if !inside {
            kept.push(line);
        }
        inside = (inside || begins) && !ends;
    }
    kept.join("\n")
}

fn without_tokens(text: &str) -> String {
    let is_token = |char: char| char.is_ascii_alphanumeric() || "_-.".contains(char);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_token) {
        let (before, from) = rest.split_at(start);
        let length = from.find(|char| !is_token(char)).unwrap_or(from.len());
        let (word, behind) = from.split_at(length);
        out.push_str(before);
        out.push_str(if has_a_secrets_shape(word) { HIDDEN } else { word });
        rest = behind;
    }
    out + rest
}

fn has_a_secrets_shape(word: &str) -> bool {
    let is_jwt = word.len() > 40 && word.starts_with("eyJ") && word.matches('.').count() == 2;
    is_jwt || SHAPES.iter().any(|(start, least)| word.len() >= *least && word.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask() -> Mask {
        let variable = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        Mask::of([
            variable("DEPLOY_TOKEN", "hunter2-long"),
            variable("DB_PASSWORD", "hunter2"),
            variable("API_KEY", "short"),
            variable("HOME", "/home/deploy"),
        ])
    }

    #[test]
    fn values_of_secret_variables_are_hidden_the_longest_first() {
        let text = mask().text("a hunter2-long b hunter2 c short d /home/deploy");
        assert_eq!(text, "a *** b *** c short d /home/deploy", "five letters could be a word");
    }

    #[test]
    fn keys_and_tokens_are_hidden_by_their_shape() {
        let whole = "a\n-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----\nb";
        assert_eq!(mask().text(whole), "a\n[a private key is left out]\nb");
        assert_eq!(mask().text("MHcCAQ\n-----END PRIVATE KEY-----\nb"), "[a private key is left out]\nb");
        assert_eq!(mask().text("a\n-----BEGIN PRIVATE KEY-----\nMHcCAQ"), "a\n[a private key is left out]");
        let jwt = format!("x eyJhbGciOiJIUzI1NiJ9.{}.{} y", "a".repeat(30), "b".repeat(20));
        assert_eq!(mask().text(&jwt), "x *** y");
        assert_eq!(mask().text("AKIAABCDEFGHIJKLMNOP, version.1.2 é"), "***, version.1.2 é");
    }
}
