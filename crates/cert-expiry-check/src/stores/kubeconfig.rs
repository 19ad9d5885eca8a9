//! kubeconfig files: the certificates of clusters and users, embedded or in files of their own. Tokens and
//! passwords stand beside them: nothing else is kept, and no message repeats a word of the file.

use std::{
    io,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    Content, KeyEntry, Passwords, file,
    lenient::{Each, Maybe, Text},
    read as read_content,
};

/// No kubeconfig is larger.
const LARGEST: usize = 4 * 1024 * 1024;

/// What stands in a kubeconfig.
#[derive(Debug, Default)]
pub struct Kubeconfig {
    /// Its clusters and users, in its order.
    pub parts: Vec<Part>,
}

/// A cluster or a user.
#[derive(Debug)]
pub struct Part {
    /// `cluster NAME`, `user NAME`.
    pub name: String,
    /// What it is.
    pub kind: PartKind,
    /// Its certificates; `None` where it has none.
    pub certificates: Option<Held>,
    /// The private key that a user's certificate needs; `None` where there is none.
    pub key: Option<Held>,
}

/// What a part of a kubeconfig is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// Its certificates are roots.
    Cluster,
    /// Its first certificate stands for a client.
    User,
}

/// Where certificates are held, and what was found there.
#[derive(Debug)]
pub enum Held {
    /// In the kubeconfig itself.
    Inside(Content),
    /// In a file that it refers to.
    File(PathBuf, io::Result<Content>),
}

/// A kubeconfig that is no YAML: where its reading broke off, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// The line, where it is known.
    pub line: Option<u32>,
    /// The column.
    pub column: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    clusters: Each<Maybe<NamedCluster>>,
    users: Each<Maybe<NamedUser>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NamedCluster {
    name: Text,
    cluster: Maybe<Cluster>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Cluster {
    certificate_authority: Text,
    certificate_authority_data: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NamedUser {
    name: Text,
    user: Maybe<User>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct User {
    client_certificate: Text,
    client_certificate_data: Text,
    client_key: Text,
    client_key_data: Text,
}

/// Whether a text is meant to be a kubeconfig: it says so (`kind: Config`, in YAML or JSON), and has clusters or
/// users.
#[must_use]
pub fn looks_like_one(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let has_parts = text.contains("clusters") || text.contains("users");
    if bytes.len() > LARGEST || !has_parts || !text.contains("Config") {
        return false;
    }
    let squeezed: String = text.chars().filter(|character| !matches!(character, ' ' | '"' | '\'')).collect();
    squeezed
        .split("kind:Config")
        .skip(1)
        .any(|behind| !behind.starts_with(|next: char| next.is_alphanumeric()))
}

/// Reads a kubeconfig, and the files that it refers to (relative to `folder`). It blocks.
///
/// # Errors
/// When it is no YAML.
pub fn observe(bytes: &[u8], folder: &Path, passwords: &Passwords) -> Result<Kubeconfig, Broken> {
    read(bytes, folder, passwords, &|path| read_file(path, passwords))
}

/// Reads a kubeconfig; `open` reads what it refers to.
///
/// # Errors
/// When it is no YAML.
pub fn read(
    bytes: &[u8],
    folder: &Path,
    passwords: &Passwords,
    open: &dyn Fn(&Path) -> io::Result<Content>,
) -> Result<Kubeconfig, Broken> {
    let text = std::str::from_utf8(bytes).map_err(|_| Broken { line: None, column: 0 })?;
    let document: Document = serde_saphyr::from_str(text).map_err(|error| {
        // Only the place: the parser's words may repeat what stands there.
        let place = error.location();
        Broken {
            line: place.and_then(|place| u32::try_from(place.line()).ok()),
            column: place.map_or(0, |place| place.column()),
        }
    })?;
    let held = |data, reference: Text| {
        embedded(data, passwords).or_else(|| {
            let path = folder.join(reference.0.filter(|path| !path.is_empty())?);
            let content = open(&path);
            Some(Held::File(path, content))
        })
    };
    let clusters = document.clusters.0.into_iter().filter_map(|cluster| cluster.0);
    let clusters = clusters.map(|NamedCluster { name, cluster }| {
        let cluster = cluster.0.unwrap_or_default();
        Part {
            name: format!("cluster {}", shown(name)),
            kind: PartKind::Cluster,
            certificates: held(cluster.certificate_authority_data, cluster.certificate_authority),
            key: None,
        }
    });
    let users = document.users.0.into_iter().filter_map(|user| user.0);
    let users = users.map(|NamedUser { name, user }| {
        let user = user.0.unwrap_or_default();
        Part {
            name: format!("user {}", shown(name)),
            kind: PartKind::User,
            certificates: held(user.client_certificate_data, user.client_certificate),
            key: held(user.client_key_data, user.client_key),
        }
    });
    Ok(Kubeconfig { parts: clusters.chain(users).collect() })
}

fn shown(name: Text) -> String {
    crate::wording::printable(name.0.as_deref().unwrap_or("(no name)"), 80)
}

/// What is embedded, which outweighs what is referred to, as kubectl has it.
fn embedded(data: Text, passwords: &Passwords) -> Option<Held> {
    let data = Zeroizing::new(data.0.filter(|data| !data.is_empty())?);
    let digits: Zeroizing<Vec<u8>> =
        Zeroizing::new(data.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect());
    Some(Held::Inside(match BASE64_STANDARD.decode(&digits).map(Zeroizing::new) {
        Ok(bytes) => read_content(&bytes, passwords),
        // Not the decoder's words: they repeat a byte.
        Err(_) => Content::Nothing("its base64 is damaged".to_owned()),
    }))
}

fn read_file(path: &Path, passwords: &Passwords) -> io::Result<Content> {
    // A pipe would wait for a writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let bytes = file::bytes(path)?.ok_or(io::ErrorKind::FileTooLarge)?;
    Ok(read_content(&Zeroizing::new(bytes), passwords))
}

impl Part {
    /// The private keys beside its certificates.
    #[must_use]
    pub fn keys(&self) -> &[KeyEntry] {
        match &self.key {
            Some(Held::Inside(Content::Holds(contents)) | Held::File(_, Ok(Content::Holds(contents)))) => {
                &contents.keys
            }
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(text: &str) -> Vec<String> {
        let config = observe(text.as_bytes(), Path::new("/nowhere"), &Passwords::default()).unwrap();
        let shown = |part: Part| {
            let keys = part.keys().len();
            let held = match part.certificates {
                None => "none".to_owned(),
                Some(Held::Inside(Content::Nothing(why))) => why,
                Some(Held::Inside(Content::Holds(contents))) => {
                    format!("{} inside", contents.certificates.len())
                }
                Some(Held::File(path, content)) => format!("{} {}", path.display(), content.is_ok()),
            };
            format!("{}: {held}, {keys} keys", part.name)
        };
        config.parts.into_iter().map(shown).collect()
    }

    #[test]
    fn what_says_that_it_is_one_is_one() {
        for (text, expected) in [
            ("apiVersion: v1\nkind: Config\nclusters: []\n", true),
            ("kind: \"Config\" # mine\nusers:\n- {}\n", true),
            (r#"{"kind":"Config","users":[]}"#, true),
            ("clusters: {\nkind: Config\n", true),
            ("kind: ConfigMap\nclusters: []\n", false),
            ("kind: Config\n", false),
            ("clusters and users", false),
            ("", false),
        ] {
            assert_eq!(looks_like_one(text.as_bytes()), expected, "{text}");
        }
        assert!(!looks_like_one(b"kind: Config\nusers: \xff"));
    }

    #[test]
    fn clusters_and_users_are_read_embedded_and_referenced() {
        let made = rcgen::generate_simple_self_signed(vec!["u".to_owned()]).unwrap();
        let pem = |label: &str, der: &[u8]| {
            let digits = BASE64_STANDARD.encode(der);
            BASE64_STANDARD.encode(format!("-----BEGIN {label}-----\n{digits}\n-----END {label}-----\n"))
        };
        let certificate = pem("CERTIFICATE", made.cert.der());
        let key = pem("PRIVATE KEY", &made.signing_key.serialize_der());
        let yaml = format!(
            "kind: Config\nclusters:\n- name: a\n  cluster: {{certificate-authority-data: {certificate}, server: x}}\n\
             - name: 7\n  cluster: {{certificate-authority: ca.crt}}\n- odd\n- name: none\n\
             users:\n- name: u\n  user:\n    client-certificate-data: {certificate}\n    client-key-data: {key}\n    token: hunter2\n\
             - name: f\n  user: {{client-certificate: /there/u.crt, client-key: /there/u.key}}\n\
             - name: b\n  user: {{client-certificate-data: '***'}}\n"
        );
        assert_eq!(
            parts(&yaml),
            [
                "cluster a: 1 inside, 0 keys",
                "cluster 7: /nowhere/ca.crt false, 0 keys",
                "cluster none: none, 0 keys",
                "user u: 1 inside, 1 keys",
                "user f: /there/u.crt false, 0 keys",
                "user b: its base64 is damaged, 0 keys",
            ]
        );
    }

    #[test]
    fn what_is_no_yaml_is_told_by_its_place_alone() {
        for text in [
            "kind: Config\nusers:\n- name: a\n  user: {token: hunter2\n",
            "kind: Config\nusers: [hunter2\n}\n",
            "kind: Config\nusers: *hunter2\n",
            "kind: Config\nusers: []\nusers: []\n",
        ] {
            let broken = observe(text.as_bytes(), Path::new("/"), &Passwords::default()).unwrap_err();
            assert!(broken.line.is_some_and(|line| line > 1), "{text}: {broken:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(kind: Config\n)?[a-z:\\-\\[\\]{}&*!|>#'\", \n]{0,80}") {
            let _ = looks_like_one(text.as_bytes());
            let _ = observe(text.as_bytes(), Path::new("/nowhere"), &Passwords::default());
        }
    }
}
