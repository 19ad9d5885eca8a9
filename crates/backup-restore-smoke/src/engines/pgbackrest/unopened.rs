//! Why pgBackRest could not open a repository, by what it says (seen with 2.45): whether the repository is bad, or this
//! machine lacks the right to read it or its passphrase. Pure.

/// The status of a repository that pgBackRest could not open; its exit code is 0 all the same.
pub(crate) const NOT_OPENED: i64 = 99;

/// What a file begins with that pgBackRest has encrypted (OpenSSL's own mark).
const CIPHERED: &str = "Salted__";

/// Of a file that another passphrase deciphers nothing makes sense, from its first line (the first that is not empty).
const NO_SENSE: &str = "FormatError: key/value found outside of section at line ";

/// The same where the first line begins with a bracket by chance.
const NO_SECTION: &str = "FormatError: ini section should end with ] at line 1:";

/// What is said of a file whose end cannot be deciphered, where no line came before it: it is cut, or another
/// passphrase deciphers it and not one byte of the nonsense is the end of a line.
const NO_END: &str = "CryptoError: unable to flush";

/// Why it was not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unopened {
    /// We may not read it: what pgBackRest says.
    Forbidden(String),
    /// It is encrypted, and no passphrase was given.
    NoPassphrase,
    /// Its catalogue is nonsense from its first byte, and so is its copy (or has not one line): the passphrase is
    /// another's.
    WrongPassphrase,
    /// Its catalogue is there, and cannot be read: what is wrong with it.
    Damaged(String),
    /// Anything else: what pgBackRest says.
    Other(String),
}

/// Reads a message of the status [`NOT_OPENED`] of a repository with this cipher (`none` where it has none).
pub(crate) fn why(cipher: &str, message: &str) -> Unopened {
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default().trim_end_matches(':').to_owned();
    let of_files: Vec<_> = lines.filter(|line| !line.starts_with("HINT:")).collect();
    let is_ciphered = cipher != "none";
    if first.contains("Permission denied") {
        return Unopened::Forbidden(first);
    }
    if !first.contains("unable to load info file") {
        return Unopened::Other(first);
    }
    if !is_ciphered && message.contains(CIPHERED) {
        return Unopened::NoPassphrase;
    }
    let is_nonsense = |line: &&str| line.starts_with(NO_SENSE) || line.starts_with(NO_SECTION);
    if is_ciphered
        && of_files.iter().any(is_nonsense)
        && of_files.iter().all(|line| is_nonsense(line) || line.starts_with(NO_END))
    {
        return Unopened::WrongPassphrase;
    }
    let all_say = |words: &str| !of_files.is_empty() && of_files.iter().all(|line| line.contains(words));
    let what = if all_say("cipher header") {
        "it is damaged; or it was never encrypted, and repo1-cipher-type says that it is"
    } else if all_say(NO_END) {
        "it is cut or damaged; or, less likely, the passphrase (repo1-cipher-pass) is another"
    } else if all_say("unable to open missing file") {
        "it is not there"
    } else {
        "it is damaged"
    };
    Unopened::Damaged(format!("{first}: {what}"))
}

/// What it prints, as JSON: of a file that it cannot decipher it quotes whatever bytes there are.
pub(crate) fn as_json(text: &str) -> String {
    text.chars().skip_while(|c| *c != '[').map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first line of the message, and these of both copies.
    fn message(kind: &str, of_both: &str) -> String {
        format!(
            "[{kind}] unable to load info file '/r/backup.info' or '/r/backup.info.copy':\n{of_both}\n{of_both}\n\
             HINT: backup.info cannot be opened and is required to perform a backup."
        )
    }

    #[test]
    fn a_wrong_passphrase_and_damage_are_told_apart() {
        let aes = "aes-256-cbc";
        let nonsense = message("FormatError", &format!("{NO_SENSE}1: F(T\u{fffd}\u{1b}GJ"));
        assert_eq!(why(aes, &nonsense), Unopened::WrongPassphrase);
        // Each copy has a salt of its own: by chance one has no line, an empty one first, or a bracket first.
        for by_chance in
            [format!("{NO_END}\nHINT: is or was the repo encrypted?"), format!("{NO_SECTION} [g")]
        {
            let said = format!("[X] unable to load info file 'a' or 'b':\n{by_chance}\n{NO_SENSE}2: F");
            assert_eq!(why(aes, &said), Unopened::WrongPassphrase);
        }
        let salted = message("FormatError", &format!("{NO_SENSE}1: {CIPHERED}\u{fffd}"));
        assert_eq!(why("none", &salted), Unopened::NoPassphrase);
        for (cipher, kind, said, told) in [
            ("none", "FormatError", NO_SENSE, "it is damaged"),
            (aes, "FormatError", "FormatError: invalid JSON value at line 7 'x'", "it is damaged"),
            (
                aes,
                "ChecksumError",
                "ChecksumError: invalid checksum, actual 'a' but expected 'b'",
                "it is damaged",
            ),
            (
                aes,
                "CryptoError",
                "CryptoError: cipher header invalid\nHINT: is or was the repo encrypted?",
                "never",
            ),
            (
                aes,
                "CryptoError",
                "CryptoError: unable to flush\nHINT: is or was the repo encrypted?",
                "or, less",
            ),
            (
                "none",
                "FileMissingError",
                "FileMissingError: unable to open missing file '/r/x' for read",
                "not there",
            ),
        ] {
            let Unopened::Damaged(what) = why(cipher, &message(kind, said)) else { panic!("{said}") };
            assert!(what.contains("backup.info.copy': ") && what.contains(told), "{what}");
        }
        // One copy that makes sense, but for its end, was opened with the right passphrase.
        let one = format!(
            "[FormatError] unable to load info file 'a' or 'b':\n{NO_SENSE}1: x\nFormatError: invalid JSON"
        );
        assert!(matches!(why(aes, &one), Unopened::Damaged(_)));
        let denied = "[PathOpenError] unable to list '/r': [13] Permission denied";
        assert_eq!(why(aes, denied), Unopened::Forbidden(denied.to_owned()));
        let refused = "[UnknownError] ssh: connect to host db port 22: Connection refused\nHINT: x";
        assert!(matches!(why("none", refused), Unopened::Other(said) if said.ends_with("refused")));
    }
}
