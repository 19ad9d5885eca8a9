//! What was typed behind `import tracker`, and the writing of what came of it. An existing file is never replaced.

use std::{io::Write as _, os::unix::fs::PermissionsExt as _, path::PathBuf, process::ExitCode};

use clap::Args;

use super::tracker;
use crate::{
    command::{CommandError, paths::read_regular},
    run::{self, Usage},
};

/// Which text, and where to.
#[derive(Debug, Args)]
pub(in crate::command) struct FlattenedArgs {
    /// Text of the tracker, as copied from a web page
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Markdown file to write; it must not be there yet
    #[arg(short, long, value_name = "TRACKER.md")]
    output: PathBuf,
}

impl FlattenedArgs {
    /// `--dry-run`.
    pub(super) fn plan(&self) -> String {
        format!("would read {} and write {}\n", self.file.display(), self.output.display())
    }

    /// Writes the tracker, and tells what could not be placed with certainty: exit code 1 where there is something.
    pub(super) fn import(&self) -> Result<ExitCode, CommandError> {
        let path = self.file.display().to_string();
        let (bytes, _) = read_regular(&self.file)
            .map_err(|source| CommandError::Tracker { path: path.clone(), source })?;
        let text = String::from_utf8(bytes).map_err(|_| Usage(format!("{path} is not UTF-8 text")))?;
        let placed = tracker::read(&text).ok_or_else(|| {
            Usage(format!("{path} has no item: no line such as `1) Title¶`; copy the whole page as text"))
        })?;
        self.write(&placed.markdown)?;
        let mut told = format!("{}: {} items\n", self.output.display(), placed.items);
        for (line, content) in &placed.unplaced {
            told.push_str(&format!("{path}:{line}: look at this by hand: {content}\n"));
        }
        run::print(&told)?;
        Ok(ExitCode::from(u8::from(!placed.unplaced.is_empty())))
    }

    fn write(&self, text: &str) -> Result<(), CommandError> {
        let failed = |error: &std::io::Error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Usage(format!("{} is there already; name a file that is not", self.output.display()))
            }
            _ => Usage(format!("writing {}: {error}", self.output.display())),
        };
        let folder = self.output.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(std::path::Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
        let readable = std::fs::Permissions::from_mode(0o644);
        file.write_all(text.as_bytes())
            .and_then(|()| file.as_file().set_permissions(readable))
            .and_then(|()| file.as_file().sync_all())
            .map_err(|error| failed(&error))?;
        file.persist_noclobber(&self.output).map_err(|error| failed(&error.error))?;
        Ok(())
    }
}
