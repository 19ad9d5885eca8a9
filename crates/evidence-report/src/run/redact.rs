//! Keeps secrets out of what is written: URLs without userinfo and query, connection strings and arguments
//! without passwords.

mod quoted;

/// Words that make the value after them a secret, compared in lower case.
const SECRET_NAMES: [&str; 14] = [
    "password",
    "passwd",
    "pgpassword",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "authorization",
    // As object stores and backup tools call them: AWS_SECRET_ACCESS_KEY, WALG_LIBSODIUM_KEY, repo1-cipher-pass.
    "access_key",
    "secret_key",
    "libsodium_key",
    "cipher_pass",
    "cipher-pass",
];

/// Words that people write behind a colon about a secret, and that are none: what became of it. The list is what keeps
/// the rule safe: whatever is not in it is hidden, also a secret that looks like a word.
const SAYINGS: [&str; 40] = [
    "accepted", "changed", "denied", "disabled", "empty", "enabled", "expired", "expires", "failed", "found",
    "handling", "has", "invalid", "issued", "leaked", "lost", "missing", "must", "needed", "no", "none",
    "not", "ok", "policy", "refresh", "refused", "rejected", "renewal", "renewed", "required", "reset",
    "revoked", "rotated", "rotation", "should", "unknown", "unset", "valid", "will", "wrong",
];

/// A text with everything that looks like a secret replaced by `***`: the userinfo and query of URLs, the
/// value behind `password=`, `token:`, `Authorization: Bearer` and their like. What people say of a secret in plain
/// words (`token: expired`) stays.
#[must_use]
pub fn text(input: &str) -> String {
    let mut expect = Expect::Anything;
    let input = quoted::hidden(input);
    let words = input.split_inclusive(char::is_whitespace).map(|word| {
        let body = word.trim_end();
        let shown = expect.read(body);
        format!("{shown}{}", &word[body.len()..])
    });
    words.collect()
}

/// What the next word may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Anything,
    /// The last word was the name of a secret: an equals sign may follow.
    Sign,
    /// A secret, or what people say of one: the last word was its name and a colon.
    Told,
    /// A secret.
    Secret,
}

impl Expect {
    /// Reads one word and says how it is shown.
    fn read(&mut self, word: &str) -> String {
        let lower = word.to_ascii_lowercase();
        if word.is_empty() {
            return String::new();
        }
        match self {
            Self::Secret | Self::Told
                if matches!(lower.as_str(), "bearer" | "basic" | "=" | ":" | "is" | "was") =>
            {
                word.to_owned()
            }
            Self::Told if is_saying(&lower) => {
                *self = Self::Anything;
                word.to_owned()
            }
            Self::Secret | Self::Told => {
                *self = Self::Anything;
                "***".to_owned()
            }
            Self::Sign if matches!(word, "=" | ":") => {
                *self = if word == ":" { Self::Told } else { Self::Secret };
                word.to_owned()
            }
            Self::Sign | Self::Anything => {
                let named = |text: &str| SECRET_NAMES.iter().any(|name| text.ends_with(name));
                *self = match lower.strip_suffix(['=', ':']) {
                    Some(rest) if named(rest) && lower.ends_with(':') => Self::Told,
                    Some(rest) if named(rest) => Self::Secret,
                    _ if lower == "bearer" => Self::Secret,
                    _ if lower.starts_with("--") && named(&lower) => Self::Secret,
                    _ if named(&lower) => Self::Sign,
                    _ => Self::Anything,
                };
                one_word(word)
            }
        }
    }
}

/// Whether a word, as it stands in a sentence, is one of [`SAYINGS`].
fn is_saying(word: &str) -> bool {
    SAYINGS.contains(&word.trim_end_matches([',', '.', ';', ')', '!', '?']))
}

/// A command line without secrets, each argument for itself.
#[must_use]
pub fn arguments(arguments: &[String]) -> Vec<String> {
    let mut hide_next = false;
    let mut user_next = false;
    arguments
        .iter()
        .map(|argument| {
            let lower = argument.to_ascii_lowercase();
            let hidden = match argument.split_once(':') {
                _ if hide_next => "***".to_owned(),
                // `curl -u name:password`
                Some((name, password)) if user_next && !password.starts_with("//") => format!("{name}:***"),
                _ => text(argument),
            };
            user_next = matches!(argument.as_str(), "-u" | "--user" | "-U" | "--proxy-user");
            hide_next = SECRET_NAMES.iter().any(|name| lower.trim_start_matches('-') == *name)
                && lower.starts_with('-');
            hidden
        })
        .collect()
}

fn one_word(word: &str) -> String {
    let word = url(word);
    let lower = word.to_ascii_lowercase();
    for name in SECRET_NAMES {
        for mark in ['=', ':'] {
            let key = format!("{name}{mark}");
            if let Some(at) = lower.find(&key) {
                let end = at + key.len();
                let said = mark == ':' && is_saying(&lower[end..]);
                if end < word.len() && !word[end..].starts_with("//") && !said {
                    return format!("{}***", &word[..end]);
                }
            }
        }
    }
    word
}

/// A URL without its userinfo and without its query. Anything else comes back as it is.
#[must_use]
pub fn url(input: &str) -> String {
    let Some(scheme_end) = input.find("://") else { return input.to_owned() };
    let (scheme, rest) = input.split_at(scheme_end + 3);
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_survive() {
        for (given, kept) in [
            ("postgresql://app:hunter2@db:5432/shop?sslmode=require", "postgresql://db:5432/shop"),
            ("https://hooks.example/T0/B1?token=hunter2", "https://hooks.example/T0/B1"),
            ("host=db password=hunter2 user=app", "host=db password=*** user=app"),
            ("host=db password = hunter2", "host=db password = ***"),
            ("Authorization: Bearer hunter2", "Authorization: Bearer ***"),
            ("PGPASSWORD=hunter2 psql", "PGPASSWORD=*** psql"),
            ("the password was wrong", "the password was wrong"),
            ("AWS_SECRET_ACCESS_KEY=hunter2 wal-g", "AWS_SECRET_ACCESS_KEY=*** wal-g"),
            ("AWS_ACCESS_KEY_ID=AKIA wal-g", "AWS_ACCESS_KEY_ID=AKIA wal-g"),
            ("--repo1-cipher-pass=hunter2", "--repo1-cipher-pass=***"),
            ("token: hunter", "token: ***"),
            ("token:hunter", "token:***"),
            ("api token: is hunter2", "api token: is ***"),
            ("Authorization: Bearer expired-1", "Authorization: Bearer ***"),
            ("login with token: expired, as expected", "login with token: expired, as expected"),
            ("session token: not refreshed", "session token: not refreshed"),
            ("token:rotated", "token:rotated"),
            ("token=rotated", "token=***"),
            ("password = wrong", "password = ***"),
            ("{\"password\": \"hunter2 and more\"}", "{\"password\": \"***\"}"),
        ] {
            assert_eq!(text(given), kept);
        }
    }

    #[test]
    fn the_argument_after_a_secret_flag_is_hidden() {
        let given = ["tool", "--token", "hunter2", "--password=hunter2", "x"].map(str::to_owned);
        assert_eq!(arguments(&given), ["tool", "--token", "***", "--password=***", "x"]);
        let given = ["curl", "-u", "ada:hunter2", "a:b", "--user", "ada"].map(str::to_owned);
        assert_eq!(arguments(&given), ["curl", "-u", "ada:***", "a:b", "--user", "ada"]);
    }
}
