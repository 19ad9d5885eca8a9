//! Configurations as flat lists of key-paths, patterns over them, and what must not be shown of their values.

use std::collections::BTreeMap;

use super::material::{Node, Value};

/// A value at a key-path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) text: String,
    pub(super) line: u32,
}

/// Every scalar of a tree by its path; what is empty counts as a scalar, too.
pub(super) fn flatten(node: &Node) -> BTreeMap<String, Leaf> {
    let mut leaves = BTreeMap::new();
    add(&mut leaves, String::new(), node);
    leaves
}

fn add(leaves: &mut BTreeMap<String, Leaf>, path: String, node: &Node) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => {
            entries.iter().for_each(|(key, node)| add(leaves, below(key), node));
        }
        Value::List(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(at, node)| add(leaves, below(&at.to_string()), node));
        }
        _ => {
            let text = match &node.value {
                Value::Null => "null".to_owned(),
                Value::Map(_) => "{}".to_owned(),
                Value::List(_) => "[]".to_owned(),
                _ => node.words().unwrap_or_default(),
            };
            leaves.insert(path, Leaf { text, line: node.line });
        }
    }
}

/// Whether a key fits a pattern: `*` is one part, `**` any number of parts, also none.
pub(super) fn fits(pattern: &str, key: &str) -> bool {
    let pattern: Vec<_> = pattern.trim_matches('`').split('.').collect();
    let key: Vec<_> = key.split('.').collect();
    // From behind: whether the rest of the pattern fits the rest of the key.
    let mut fitting: Vec<bool> = (0..=key.len()).map(|at| at == key.len()).collect();
    for part in pattern.iter().rev() {
        if *part == "**" {
            for at in (0..key.len()).rev() {
                fitting[at] |= fitting[at + 1];
            }
        } else {
            let fits_at = |at: usize| at < key.len() && (*part == "*" || *part == key[at]) && fitting[at + 1];
            fitting = (0..=key.len()).map(fits_at).collect();
        }
    }
    fitting[0]
}

/// Words that name a secret.
const SECRET_WORDS: [&str; 13] = [
    "pwd",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "private_key",
    "credential",
    "signing_key",
    "access_key",
    "authorization",
];

fn named_like_secret(key: &str) -> bool {
    let name = key.rsplit('.').find(|part| part.parse::<u32>().is_err()).unwrap_or(key);
    let name = name.to_lowercase().replace('-', "_");
    // `token_ttl_seconds`, `secret_ref`, `password_file` say something about a secret.
    let about = [
        "ttl", "seconds", "minutes", "days", "length", "name", "path", "file", "ref", "url", "enabled",
        "required", "policy", "source",
    ];
    SECRET_WORDS.iter().any(|word| name.contains(word)) && !about.iter().any(|word| name.ends_with(word))
}

/// Whether any part of a key could name a secret: enough not to show what stands under it.
fn may_name_secret(key: &str) -> bool {
    key.to_lowercase().split(['.', '_', '-', ':']).any(|part| {
        matches!(part, "pw" | "pass" | "pin" | "key" | "keys" | "salt" | "auth" | "cookie" | "dsn" | "cert")
            || SECRET_WORDS.iter().any(|word| part.contains(word))
    }) || named_like_secret(key)
}

/// A value that only says where the secret is.
fn is_reference(text: &str) -> bool {
    let text = text.trim();
    let scheme = text
        .split_once("://")
        .is_some_and(|(scheme, rest)| !rest.contains('@') && !matches!(scheme, "http" | "https"));
    text.is_empty()
        || ["null", "true", "false", "{}", "[]"].contains(&text)
        || (text.starts_with("${") && text.ends_with('}'))
        || (text.starts_with("{{") && text.ends_with("}}"))
        || text.starts_with('/')
        || text.starts_with("vault:")
        || text.starts_with("arn:")
        || scheme
}

/// Whether an address carries a password.
fn has_userinfo(text: &str) -> bool {
    let rest = text.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    rest.and_then(|rest| rest.rsplit_once('@')).is_some_and(|(user, _)| {
        user.split_once(':').is_some_and(|(_, password)| !password.is_empty() && !password.starts_with("${"))
    })
}

/// Whether a long run of letters and digits without a blank looks like key material.
fn looks_like_key(text: &str) -> bool {
    let dense =
        text.len() >= 24 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte));
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.contains("-----BEGIN")
        || (dense && digits >= 4 && text.bytes().any(|byte| byte.is_ascii_alphabetic()))
}

/// Whether a secret itself stands there.
pub(super) fn holds_secret(key: &str, leaf: &Leaf) -> bool {
    has_userinfo(&leaf.text)
        || leaf.text.contains("-----BEGIN") && leaf.text.contains("PRIVATE KEY")
        || (named_like_secret(key) && !is_reference(&leaf.text))
}

/// A value for people: shortened; nothing that may be a secret.
pub(super) fn shown(key: &str, leaf: &Leaf) -> String {
    let text = &leaf.text;
    if may_name_secret(key) || has_userinfo(text) || looks_like_key(text) || text.contains("://") {
        return "not shown".to_owned();
    }
    let mut short: String = text.chars().take(40).filter(|c| !c.is_control()).collect();
    if text.chars().count() > 40 {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(text: &str) -> Leaf {
        Leaf { text: text.into(), line: 1 }
    }

    #[test]
    fn patterns_fit_part_by_part() {
        for (pattern, key, expected) in [
            ("log.level", "log.level", true),
            ("log.*", "log.level", true),
            ("log.*", "log", false),
            ("log.*", "log.a.b", false),
            ("log.**", "log.a.b", true),
            ("log.**", "log", true),
            ("**.level", "a.b.level", true),
            ("**", "x", true),
            ("*", "x.y", false),
            ("**.a.**.b", "a.a.x.b.b", true),
            ("log", "login", false),
        ] {
            assert_eq!(fits(pattern, key), expected, "{pattern} {key}");
        }
        assert!(!fits(&format!("{}b", "**.".repeat(300)), &"a.".repeat(3_000)), "many stars end soon");
    }

    #[test]
    fn secrets_are_known_by_name_and_by_look() {
        for (key, text, held) in [
            ("db.password", "hunter2", true),
            ("db.password", "${DB_PASSWORD}", false),
            ("db.password", "vault:kv/db#password", false),
            ("db.password_file", "/run/secrets/db", false),
            ("token_ttl_seconds", "300", false),
            ("API_TOKEN", "abc", true),
            ("tokens.0", "abc", true),
            ("secret.0", "abc", true),
            ("url", "postgres://app:x@db/app", true),
            ("url", "postgres://app:${PW}@db/app", false),
            ("url", "postgres://app@db/app", false),
            ("key", "-----BEGIN PRIVATE KEY-----", true),
            ("secret_ref", "platform/db", false),
        ] {
            assert_eq!(holds_secret(key, &leaf(text)), held, "{key}={text}");
        }
        assert_eq!(shown("a", &leaf("AKIA1234567890ABCDEF1234567890")), "not shown");
        assert_eq!(shown("a", &leaf("8443")), "8443");
        assert_eq!(shown("monkey.level", &leaf("info")), "info");
        for key in
            ["db.pw", "secrets.database", "API_KEY", "smtp.auth.user", "hash-salt", "PASSWORDS.0", "db_pass"]
        {
            assert_eq!(shown(key, &leaf("hunter2")), "not shown", "{key}");
        }
    }
}
