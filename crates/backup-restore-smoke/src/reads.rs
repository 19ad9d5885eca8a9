//! How much a program of somebody else's has read, as the kernel counts it: what a check of files that writes nothing
//! can be seen by. Only for the eyes of whoever looks at a terminal.

use std::path::{Path, PathBuf};

use evidence_report::run::Run;

use crate::growth::Growth;

/// Whose reads are counted.
#[derive(Debug, Clone)]
enum Readers {
    /// Processes of this name that the run with this mark has started.
    Program { name: &'static str, mark: String },
    /// A server's processes: they work in its data folder.
    Server { data: PathBuf },
}

/// Shows how much a program that this run starts reads, of `total`.
pub(crate) fn of_program(run: &Run, name: &'static str, total: u64) -> Growth {
    let mark = format!("OPS_SMOKE_RUN={}", run.id());
    show(run, Readers::Program { name, mark }, total, "read")
}

/// Shows how much a server reads from now on, of about `total`.
pub(crate) fn of_server(run: &Run, data: &Path, total: u64) -> Growth {
    show(run, Readers::Server { data: data.to_owned() }, total, "read, of about")
}

fn show(run: &Run, readers: Readers, total: u64, what: &str) -> Growth {
    let mut before = None;
    Growth::ask(run.progress(), Some(total), what, move || {
        let now = readers.bytes();
        let since = now.saturating_sub(*before.get_or_insert(now));
        async move { Some(since) }
    })
}

impl Readers {
    fn bytes(&self) -> u64 {
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
        processes.filter(|process| self.is_one(process)).map(|process| read_by(&process)).sum()
    }

    fn is_one(&self, process: &Path) -> bool {
        let name = std::fs::read_to_string(process.join("comm")).unwrap_or_default();
        match self {
            Self::Program { name: wanted, mark } => {
                let environment = || std::fs::read(process.join("environ")).unwrap_or_default();
                name.trim_end() == *wanted
                    && environment().split(|&byte| byte == 0).any(|line| line == mark.as_bytes())
            }
            Self::Server { data } => {
                name.trim_end() == "postgres"
                    && std::fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == *data)
            }
        }
    }
}

/// What the kernel counted; a process that is gone, or another's, counts nothing.
fn read_by(process: &Path) -> u64 {
    let counted = std::fs::read_to_string(process.join("io")).unwrap_or_default();
    let read = counted.lines().find_map(|line| line.strip_prefix("rchar: "));
    read.and_then(|number| number.trim().parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_has_read_is_counted() {
        let before = read_by(Path::new("/proc/self"));
        let read = std::fs::read("/proc/self/stat").unwrap().len() as u64;
        assert!(read_by(Path::new("/proc/self")) >= before + read);
        assert_eq!(read_by(Path::new("/nowhere")), 0);
        let nobody = Readers::Program { name: "pg_checksums", mark: "OPS_SMOKE_RUN=none".to_owned() };
        assert_eq!(nobody.bytes(), 0);
    }
}
