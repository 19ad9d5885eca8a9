//! Where the page's links lead: to files, as seen from where the page lies or below an address that is given.
//! Nothing that a user wrote becomes a scheme. Pure.

use std::{
    fmt::Write as _,
    path::{Component, Path, PathBuf},
};

use maud::{Markup, html};

/// From where links start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Links {
    /// From the page: the way from its folder to the repository's root.
    Relative(PathBuf),
    /// From an address, as that of a repository's files on its host.
    Below(String),
}

impl Links {
    /// For a page at `page`, about files below `root`; both absolute.
    pub(super) fn from(page: &Path, root: &Path) -> Self {
        let folder = page.parent().unwrap_or(Path::new("/"));
        let common = folder.components().zip(root.components()).take_while(|(a, b)| a == b).count();
        let up = folder.components().skip(common).map(|_| Component::ParentDir);
        let down = root.components().skip(common);
        Self::Relative(up.chain(down).collect())
    }

    /// A link to a file of the repository.
    pub(super) fn to_file(&self, path: &str, words: &str) -> Markup {
        html! { a href=(self.address(path)) { (words) } }
    }

    /// A link to a line of it, where the host knows lines.
    pub(super) fn to_line(&self, path: &str, line: Option<u32>, words: &str) -> Markup {
        let mut address = self.address(path);
        if let (Self::Below(_), Some(line)) = (self, line) {
            let _ = write!(address, "#L{line}");
        }
        html! { a href=(address) title=[line.map(|line| format!("{path}, line {line}"))] { (words) } }
    }

    fn address(&self, path: &str) -> String {
        let (start, path) = match self {
            Self::Relative(way) => {
                let way = encoded(&way.to_string_lossy());
                // `./` keeps a colon in the first part from being read as a scheme (RFC 3986, 4.2).
                (if way.is_empty() { "./".to_owned() } else { format!("./{way}/") }, path)
            }
            Self::Below(address) => (format!("{}/", address.trim_end_matches('/')), path),
        };
        start + &encoded(path.trim_start_matches('/'))
    }
}

/// What stands for itself in a path (RFC 3986, 3.3), and everything else by its bytes.
fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_from_the_page_to_the_file() {
        let cases = [
            ("/repo/target/page.html", "./../doc/a%20b.md"),
            ("/repo/page.html", "./doc/a%20b.md"),
            ("/elsewhere/page.html", "./../repo/doc/a%20b.md"),
        ];
        for (page, address) in cases {
            assert_eq!(Links::from(Path::new(page), Path::new("/repo")).address("doc/a b.md"), address);
        }
    }

    #[test]
    fn no_path_becomes_a_scheme_or_leaves_its_attribute() {
        let here = Links::Relative(PathBuf::new());
        assert_eq!(here.address("javascript:alert(1)"), "./javascript%3Aalert%281%29");
        assert_eq!(here.address("\"><script>"), "./%22%3E%3Cscript%3E");
        let below = Links::Below("https://host.example/blob/main/".into());
        assert_eq!(below.address("doc/x.md"), "https://host.example/blob/main/doc/x.md");
        assert_eq!(
            below.to_line("doc/x.md", Some(7), "<b>").into_string(),
            "<a href=\"https://host.example/blob/main/doc/x.md#L7\" title=\"doc/x.md, line 7\">&lt;b&gt;</a>"
        );
    }
}
