//! The end of a run: the outputs, the evidence file, the exit code.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use fs_err as fs;

use super::{
    flags::{ColorChoice, FailOn},
    publication::{Arriving, Publication, short, write},
    settings::Settings,
    streams::{print, print_text, tell},
};
use crate::{
    document::notes::Template,
    formats::{self, Format, Setting},
    history::Came,
    record::{Report, Verdict, v1::Record},
};

/// Something could not be published. Everything else was.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A file could not be written.
    #[error("writing {what} {path}: {source}. What stood there before still stands", path = path.display())]
    Write {
        /// What it is.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The history beside the evidence could not be kept.
    #[error("keeping the history {path}: {source}. {now}", path = path.display())]
    History {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
        /// What follows.
        now: &'static str,
    },
    /// The result could not be printed.
    #[error("printing the result on standard output: {0}")]
    Stdout(std::io::Error),
    /// What stands at the evidence file's place cannot be read.
    #[error("reading what stands at {path}: {source}. Nothing was written there", path = path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A run that has ended, with everything that it saw.
#[derive(Debug)]
pub struct Finished {
    report: Report,
    settings: Settings,
    templates: Vec<Template>,
    derived: bool,
}

impl Finished {
    pub(crate) fn new(report: Report, settings: Settings) -> Self {
        Self { report, settings, templates: Vec::new(), derived: false }
    }

    /// With notes that people complete.
    pub(super) fn proposing(mut self, templates: Vec<Template>) -> Self {
        self.templates = templates;
        self
    }

    /// Of a report that is made from other records alone: made again, it is the same run, not a second one.
    #[cfg(feature = "command")]
    pub(crate) fn derived(mut self) -> Self {
        self.derived = true;
        self
    }

    /// With every finding in the text, also what passed: for a command that is asked about a few things.
    #[cfg(feature = "command")]
    pub(crate) fn telling_all(mut self) -> Self {
        self.settings.verbose = true;
        self
    }

    /// The report.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Writes the evidence file (whole or not at all), then every output that was asked for, and says with
    /// which code to exit. One output that cannot be written keeps none of the others back.
    ///
    /// # Errors
    /// The first thing that could not be written.
    pub fn publish(mut self) -> Result<ExitCode, PublishError> {
        let (shown, written) = match self.settings.evidence.clone() {
            Some(path) => match self.write_evidence(&path) {
                Ok(path) => (Some(short(&path)), Ok(())),
                Err(error) => (None, Err(error)),
            },
            None => (None, Ok(())),
        };
        let outputs = self.outputs(shown);
        written.and(outputs)?;
        Ok(ExitCode::from(exit_code(self.report.verdict(), self.settings.fail_on)))
    }

    /// Exchanges the evidence and its history; returns where it went. A derived record that stands there already
    /// stays as it is: with its signature, and with its line in the history.
    fn write_evidence(&mut self, path: &Path) -> Result<PathBuf, PublishError> {
        let run = &self.report.run;
        let arriving = Arriving {
            environment: run.environment,
            interrupted: run.interrupted.is_some(),
            now: run.finished,
        };
        let publication = Publication::begin(path, arriving, &self.templates)?;
        publication.place().remarks.iter().for_each(|remark| tell(remark));
        if let Some(standing) = publication.place().standing.as_ref().filter(|_| self.derived) {
            self.report.run.previous.clone_from(&standing.previous);
            if publication.holds(&Record::of(&self.report)) {
                return Ok(publication.place().path.clone());
            }
        }
        self.report.run.previous = publication.previous();
        let record = Record::of(&self.report);
        Ok(publication.write(&record, None, Came::Published)?.path)
    }

    fn outputs(&self, evidence: Option<String>) -> Result<(), PublishError> {
        let mut result = Ok(());
        let setting = Setting {
            evidence,
            verbose: self.settings.verbose,
            color: wants_color(self.settings.color),
            last_success: None,
        };
        // Whatever else is written: cron sends mail only for what is said.
        if self.settings.quiet && self.report.verdict() != Verdict::Passed {
            tell(formats::first_line(&self.report, false).as_str());
        }
        for request in &self.settings.formats {
            let written = match &request.path {
                Some(path) => self.output_to_file(request.format, path, &setting),
                None if self.settings.quiet && request.format == Format::Text => Ok(()),
                None if request.format == Format::Text => {
                    print_text(&self.report_as(request.format, &setting))
                }
                None => print(&self.report_as(request.format, &setting)),
            };
            result = result.and(written);
        }
        result.and(self.on_github())
    }

    fn output_to_file(&self, format: Format, path: &Path, setting: &Setting) -> Result<(), PublishError> {
        let last_success = match format {
            Format::Textfile if path.is_file() => {
                fs::read_to_string(path).ok().as_deref().and_then(formats::last_success)
            }
            _ => None,
        };
        let setting = Setting { color: false, last_success, ..setting.clone() };
        write("the output", path, &self.report_as(format, &setting))
    }

    fn report_as(&self, format: Format, setting: &Setting) -> String {
        format.render(&self.report, setting)
    }

    /// Under GitHub Actions the annotations and the step's summary are written unasked.
    fn on_github(&self) -> Result<(), PublishError> {
        if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
            return Ok(());
        }
        let people_read_stdout = self
            .settings
            .formats
            .iter()
            .all(|request| request.path.is_some() || matches!(request.format, Format::Text));
        if people_read_stdout {
            print(&formats::annotations(&self.report))?;
        }
        let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from) else { return Ok(()) };
        let appended = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(formats::step_summary(&self.report).as_bytes()));
        appended.map_err(|source| PublishError::Write { what: "the step's summary", path, source })
    }
}

/// The one mapping of verdicts to exit codes.
fn exit_code(verdict: Verdict, fail_on: FailOn) -> u8 {
    match (verdict, fail_on) {
        (Verdict::Warned, FailOn::Failure) => 0,
        (verdict, _) => verdict.exit_code(),
    }
}

fn wants_color(choice: ColorChoice) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            std::io::stdout().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}
