//! Which segment Barman's catalogue names and does not have: `barman recover` then ends without saying which. Reads,
//! and nothing else.

use std::path::Path;

/// The first segment from this name on that `xlog.db` lists and that is not there.
pub(super) fn first(segments: &Path, since: &str) -> Option<String> {
    let listed = std::fs::read_to_string(segments.join("xlog.db")).ok()?;
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    let mut later: Vec<_> =
        names.filter(|name| name.len() == 24 && name.is_ascii() && *name >= since).collect();
    later.sort_unstable();
    later.into_iter().find(|name| !segments.join(&name[..16]).join(name).exists()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn a_segment_that_is_listed_and_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let segment = |number: u32| format!("0000000100000000{number:08X}");
        let lines: String =
            (2..=5).map(|number| format!("{}\t16777216\t1.0\tNone\n", segment(number))).collect();
        std::fs::write(folder.path().join("xlog.db"), lines).unwrap();
        std::fs::create_dir(folder.path().join("0000000100000000")).unwrap();
        for number in [3, 5] {
            std::fs::write(folder.path().join("0000000100000000").join(segment(number)), "").unwrap();
        }
        assert_eq!(first(folder.path(), &segment(3)), Some(segment(4)));
        assert_eq!(first(folder.path(), &segment(5)), None);
        assert_eq!(first(&folder.path().join("none"), &segment(3)), None);
    }
}
