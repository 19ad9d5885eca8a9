//! The farm of the demonstration: some good certificates, one expiring, one expired.

use std::{io, path::Path, time::Duration};

use fs_err as fs;

use super::{Authority, Behaviour, Farm, Lifetime, Stand};

const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];
const HOUR: u64 = 3600;

/// A sample farm that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// A certificate.
    #[error("making a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A file or a port.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Opens the servers, and writes into `folder` the root (`ca.pem`), each chain (`NAME.pem`), and last of all
/// `targets.txt`: one `127.0.0.1:PORT` a line. Whoever sees `targets.txt` may begin.
///
/// # Errors
/// When a file cannot be written or a port not be opened.
pub fn write_sample(farm: &Farm, folder: &Path) -> Result<Vec<Stand>, SampleError> {
    fs::create_dir_all(folder)?;
    let authority = Authority::new()?;
    fs::write(folder.join("ca.pem"), authority.root_pem())?;
    let lifetimes = [
        ("good-24-hours", Lifetime::left(Duration::from_secs(24 * HOUR), Duration::from_secs(20 * HOUR))),
        ("good-90-days", Lifetime::days_left(90, 63)),
        ("good-398-days", Lifetime::days_left(398, 300)),
        ("good-ten-years", Lifetime::days_left(3650, 2800)),
        ("expiring", Lifetime::days_left(90, 12)),
        ("expired", Lifetime::expired(90, 3)),
    ];
    let mut stands = Vec::new();
    for (name, lifetime) in lifetimes {
        let identity = authority.issue(&NAMES, lifetime)?;
        fs::write(folder.join(format!("{name}.pem")), identity.pem())?;
        stands.push(farm.open(Behaviour::Tls(identity))?);
    }
    let targets: String = stands.iter().map(|stand| format!("{}\n", stand.target())).collect();
    let unfinished = folder.join("targets.txt.new");
    fs::write(&unfinished, targets)?;
    fs::rename(&unfinished, folder.join("targets.txt"))?;
    Ok(stands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_listed_when_every_server_listens() {
        let folder = tempfile::tempdir().unwrap();
        let farm = Farm::start().unwrap();
        let stands = write_sample(&farm, folder.path()).unwrap();
        let listed = fs::read_to_string(folder.path().join("targets.txt")).unwrap();
        let opened: Vec<_> = stands.iter().map(Stand::target).collect();
        assert_eq!(listed.lines().collect::<Vec<_>>(), opened);
        for target in opened {
            assert!(std::net::TcpStream::connect(&target).is_ok(), "{target}");
        }
        for name in ["ca.pem", "good-90-days.pem", "expiring.pem", "expired.pem"] {
            let pem = fs::read_to_string(folder.path().join(name)).unwrap();
            assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{name}");
        }
    }
}
