//! Where faults are made: one farm of servers and one authority for all of them, and a folder for each.

use std::{
    fmt,
    fs::Permissions,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    farm::{Authority, Behaviour, Farm, Identity, Lifetime, Stand},
    fault::Scene,
};

/// The name for which sound certificates are issued, beside the address.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// A fault that could not be made.
#[derive(Debug)]
pub struct Trouble(String);

/// The workshop. Dropping it ends its servers; its folder is the run's.
#[derive(Debug)]
pub struct Workshop {
    folder: PathBuf,
    roots: PathBuf,
    farm: Farm,
    authority: Authority,
}

/// The place where one fault is made.
#[derive(Debug)]
pub struct Bench<'w> {
    workshop: &'w Workshop,
    folder: PathBuf,
}

impl Workshop {
    /// Opens a workshop in this folder, which is made.
    ///
    /// # Errors
    /// When the folder, a thread or a key cannot be made.
    pub fn open(folder: &Path) -> Result<Self, Trouble> {
        std::fs::create_dir_all(folder)?;
        let authority = Authority::new()?;
        let roots = folder.join("roots.pem");
        std::fs::write(&roots, authority.root_pem())?;
        Ok(Self { folder: folder.to_owned(), roots, farm: Farm::start()?, authority })
    }

    /// A place for one fault.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn bench(&self, name: &Path) -> Result<Bench<'_>, Trouble> {
        let folder = self.folder.join(name);
        std::fs::create_dir(&folder)?;
        Ok(Bench { workshop: self, folder })
    }
}

impl Bench<'_> {
    /// The authority whose root is trusted.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.workshop.authority
    }

    /// The farm, for ports that are no servers.
    #[must_use]
    pub fn farm(&self) -> &Farm {
        &self.workshop.farm
    }

    /// A certificate of this lifetime, issued by the trusted authority for `localhost` and 127.0.0.1.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn identity(&self, lifetime: Lifetime) -> Result<Identity, Trouble> {
        Ok(self.authority().issue(&NAMES, lifetime)?)
    }

    /// A certificate with which nothing is wrong.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn sound(&self) -> Result<Identity, Trouble> {
        self.identity(Lifetime::days_left(90, 60))
    }

    /// A server on 127.0.0.1.
    ///
    /// # Errors
    /// When its port cannot be opened.
    pub fn open(&self, behaviour: Behaviour) -> Result<Stand, Trouble> {
        Ok(self.workshop.farm.open(behaviour)?)
    }

    /// Writes a file into the fault's folder, and says where it is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<String, Trouble> {
        let path = self.folder.join(name);
        std::fs::write(&path, content)?;
        Ok(path.display().to_string())
    }

    /// A path in the fault's folder.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Scans these targets, with the authority's root trusted.
    #[must_use]
    pub fn scan(&self, targets: &[&str]) -> Scene {
        self.scan_trusting(targets, &self.workshop.roots.display().to_string())
    }

    /// The same with other roots. A busy machine may take its time.
    #[must_use]
    pub fn scan_trusting(&self, targets: &[&str], roots: &str) -> Scene {
        scan(targets, roots, "20s")
    }

    /// Scans a port that keeps everybody waiting.
    #[must_use]
    pub fn scan_impatiently(&self, target: &str) -> Scene {
        scan(&[target], &self.workshop.roots.display().to_string(), "1s")
    }

    /// Opens a server, and scans it.
    ///
    /// # Errors
    /// When its port cannot be opened.
    pub fn scan_server(&self, behaviour: Behaviour) -> Result<Scene, Trouble> {
        Ok(self.scan(&[&self.open(behaviour)?.target()]))
    }

    /// The same scan, presenting a client certificate whose key's file has this mode.
    ///
    /// # Errors
    /// When its files cannot be written.
    pub fn presenting(&self, scene: Scene, ours: &Identity, mode: u32) -> Result<Scene, Trouble> {
        let certificate = self.write("client.pem", ours.pem())?;
        let key = self.write("client.key", ours.key_pem())?;
        std::fs::set_permissions(&key, Permissions::from_mode(mode))?;
        Ok(scene.with_words(&["--client-cert", &certificate, "--client-key", &key]))
    }

    /// Writes a file, and scans it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn scan_file(&self, name: &str, content: impl AsRef<[u8]>) -> Result<Scene, Trouble> {
        Ok(self.scan(&[&self.write(name, content)?]))
    }
}

impl Bench<'_> {
    /// A Secret of the type kubernetes.io/tls with this under `tls.crt`, as `kubectl get -o json` prints it.
    #[must_use]
    pub fn secret(&self, certificate: &str) -> String {
        let data = BASE64_STANDARD.encode(certificate);
        format!(
            r#"{{"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                "metadata": {{"name": "shop", "namespace": "web"}}, "data": {{"tls.crt": "{data}"}}}}"#
        )
    }

    /// Scans what kubectl printed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn scan_kubernetes(&self, json: &str) -> Result<Scene, Trouble> {
        let file = self.write("objects.json", json)?;
        Ok(self.scan(&[]).with_words(&["--kubernetes", &file]))
    }
}

fn scan(targets: &[&str], roots: &str, patience: &str) -> Scene {
    let mut words = vec!["scan".to_owned()];
    words.extend(targets.iter().map(ToString::to_string));
    for (flag, value) in [
        ("--roots", roots),
        ("--connect-timeout", patience),
        ("--handshake-timeout", patience),
        ("--evidence", "none"),
    ] {
        words.extend([flag.to_owned(), value.to_owned()]);
    }
    Scene::typed(words)
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self(why)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rcgen::Error> for Trouble {
    fn from(error: rcgen::Error) -> Self {
        Self(format!("making a certificate: {error}"))
    }
}
