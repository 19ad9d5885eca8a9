//! Why a file that somebody named cannot be read, with what to do next. It knows nothing of what stands in files.

use std::{
    borrow::Cow,
    io::{Error, ErrorKind},
};

/// The reason, as the end of a sentence that names the file.
#[must_use]
pub fn why_unread(error: &Error) -> Cow<'static, str> {
    match error.kind() {
        ErrorKind::NotFound => {
            "it is not there; correct the path (a relative one begins in the folder in which the command runs)".into()
        }
        ErrorKind::NotADirectory => "a part of its path is a file, no folder; correct the path".into(),
        ErrorKind::IsADirectory => "it is a folder; name the file in it".into(),
        ErrorKind::PermissionDenied => {
            "you may not read it; give your user the right to, or run as one who has it".into()
        }
        ErrorKind::InvalidData => "it is no text in UTF-8; is it the file that you meant?".into(),
        _ => error.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_next_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: &str| {
            why_unread(&std::fs::read_to_string(folder.path().join(path)).unwrap_err()).into_owned()
        };
        std::fs::write(folder.path().join("bytes"), [0xff, 0xfe]).unwrap();
        for (path, says) in [
            ("missing", "correct the path"),
            ("", "it is a folder"),
            ("bytes/below", "no folder"),
            ("bytes", "no text in UTF-8"),
        ] {
            assert!(said(path).contains(says), "{path}: {}", said(path));
        }
        assert!(why_unread(&ErrorKind::PermissionDenied.into()).contains("right"));
        assert_eq!(why_unread(&Error::other("the disk is gone")), "the disk is gone");
    }
}
