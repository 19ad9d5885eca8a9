//! Configuration files of sections and keys, as pgBackRest's and Barman's are. Pure: text comes in. It knows
//! no key's meaning.

/// What stands in such a file, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ini(Vec<Line>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    section: String,
    key: String,
    value: String,
}

impl Ini {
    /// Reads `[section]`, `key = value` or `key: value`, values that go on in lines that are moved in, and
    /// comments in lines of their own.
    pub(super) fn read(text: &str) -> Self {
        let (mut lines, mut section): (Vec<Line>, String) = (Vec::new(), String::new());
        for raw in text.lines() {
            let line = raw.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if raw.starts_with([' ', '\t'])
                && let Some(last) = lines.last_mut()
                && last.section == section
            {
                last.value.push_str("\n\t");
                last.value.push_str(line);
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                name.trim().clone_into(&mut section);
            } else if let Some((key, value)) = line.split_once(['=', ':']) {
                lines.push(Line {
                    section: section.clone(),
                    key: key.trim().to_ascii_lowercase(),
                    value: value.trim().to_owned(),
                });
            }
        }
        Self(lines)
    }

    /// Adds another file; its keys win.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The last value of a key.
    pub(super) fn value(&self, section: &str, key: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|line| line.section == section && line.key == key);
        found.map(|line| line.value.as_str())
    }

    /// Whether there is such a section with something in it.
    pub(super) fn has_section(&self, section: &str) -> bool {
        self.0.iter().any(|line| line.section == section)
    }
}

#[cfg(test)]
mod tests {
    use super::Ini;

    #[test]
    fn sections_keys_and_values_that_go_on_are_read() {
        let ini = Ini::read(
            "# c\n[barman]\nbarman_home = /a b\n; c\n[shop]\nconninfo: host=x\n  port=1\nx=1\nX = 2\n",
        );
        assert_eq!(ini.value("barman", "barman_home"), Some("/a b"));
        assert_eq!(ini.value("shop", "conninfo"), Some("host=x\n\tport=1"));
        assert_eq!(ini.value("shop", "x"), Some("2"));
        assert_eq!(ini.value("shop", "barman_home"), None);
        assert!(ini.has_section("shop") && !ini.has_section("nothing"));
        let mut both = ini.clone();
        both.extend(Ini::read("[shop]\nx=3\n  [notasection]\n"));
        assert_eq!(both.value("shop", "x"), Some("3\n\t[notasection]"));
    }
}
