//! `diff A B`: what changed from one run to another: the verdict, findings that came and went, checks that are
//! no longer made, and whether what was measured moved towards its objective or away from it.

mod comparison;
mod view;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use comparison::Comparison;

use super::{CommandError, merge::contradiction};
use crate::{
    document::{self, ReadError, Verification},
    formats::Format,
    record::v1::Record,
    run::{self, Settings},
};

#[derive(Debug, Args)]
pub(super) struct DiffPlace {
    /// The run before: an evidence file, or an output of --format json
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// The run after
    #[arg(value_name = "AFTER")]
    after: PathBuf,
}

/// Two runs that cannot be compared.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiffError {
    /// It cannot be read.
    #[error("reading {path}: {source}. Name evidence files, or outputs of --format json", path = path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// It holds no record.
    #[error("{path}: {source}. Name evidence files, or outputs of --format json", path = path.display())]
    NoRecord { path: PathBuf, source: ReadError },
    /// Somebody changed it.
    #[error("{path} has been altered: {how}. What it says is not what was seen", path = path.display())]
    Altered { path: PathBuf, how: String },
    /// They are of two tools.
    #[error("{before} and {after} are of two tools, {one} and {other}: there is nothing to compare", before = before.display(), after = after.display())]
    Tools { before: PathBuf, after: PathBuf, one: String, other: String },
    /// The answer has two forms only.
    #[error("a comparison is shown as text or json, not as {0}")]
    Format(String),
}

impl DiffPlace {
    /// Shows what changed. The exit code says whether anything became worse: 0 no, 1 a warning, 2 a failure,
    /// 3 that less could be told than before.
    pub(super) fn show(&self, settings: &Settings) -> Result<ExitCode, CommandError> {
        let (before, after) = (read(&self.before)?, read(&self.after)?);
        if before.tool.name != after.tool.name {
            return Err(DiffError::Tools {
                before: self.before.clone(),
                after: self.after.clone(),
                one: before.tool.name,
                other: after.tool.name,
            }
            .into());
        }
        let comparison = Comparison::of(&before, &after);
        for request in &settings.formats {
            let text = match request.format {
                Format::Text => view::text(&comparison),
                Format::Json => view::json(&comparison),
                other => return Err(DiffError::Format(format!("{other:?}").to_lowercase()).into()),
            };
            match &request.path {
                Some(path) => run::write("the output", path, &text)?,
                None => run::print(&text)?,
            }
        }
        Ok(ExitCode::from(comparison.worse.map_or(0, crate::record::Verdict::exit_code)))
    }
}

fn read(path: &Path) -> Result<Record, DiffError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| DiffError::Read { path: path.to_owned(), source })?;
    let no_record = |source| DiffError::NoRecord { path: path.to_owned(), source };
    if text.trim_start().starts_with('{') {
        let record = document::read_json(&text).map_err(no_record)?;
        let altered = |how| Err(DiffError::Altered { path: path.to_owned(), how });
        return contradiction(&record).map_or(Ok(record), altered);
    }
    match document::verify(&text) {
        Verification::Consistent(record) => Ok(*record),
        Verification::Unverified(error) => Err(no_record(error)),
        Verification::Altered(alterations) => {
            let how: Vec<_> = alterations.iter().take(3).map(ToString::to_string).collect();
            Err(DiffError::Altered { path: path.to_owned(), how: how.join("; ") })
        }
    }
}
