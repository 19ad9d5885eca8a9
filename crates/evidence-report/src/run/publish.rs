//! The end of a run: the outputs, the evidence file, the exit code.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use fs_err as fs;

use super::{
    atomic::write_atomically,
    evidence_path,
    flags::{ColorChoice, FailOn},
    settings::Settings,
    stdout::print,
};
use crate::{
    document::{
        self, Verification,
        notes::{Standing, Template, kept, proposed},
    },
    formats::{self, Format, Setting},
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
}

/// Where the evidence goes, and what goes with it.
struct Place {
    path: PathBuf,
    /// Text behind the managed region.
    notes: String,
    /// The seal of the record before.
    previous: Option<String>,
    /// What people should know about it.
    remarks: Vec<String>,
    /// Words that would be lost: to be kept aside first.
    aside: Option<(PathBuf, String)>,
}

impl Finished {
    pub(crate) fn new(report: Report, settings: Settings) -> Self {
        Self { report, settings, templates: Vec::new() }
    }

    /// With notes that people complete.
    pub(super) fn proposing(mut self, templates: Vec<Template>) -> Self {
        self.templates = templates;
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
        let place = self.settings.evidence.clone().map(|path| self.place(&path)).transpose();
        let (shown, written) = match place {
            Ok(Some(place)) => {
                let written = self.write_evidence(&place);
                for remark in &place.remarks {
                    tell(remark);
                }
                (written.is_ok().then(|| short(&place.path)), written)
            }
            Ok(None) => (None, Ok(())),
            Err(error) => (None, Err(error)),
        };
        let outputs = self.outputs(shown);
        written.and(outputs)?;
        Ok(ExitCode::from(exit_code(self.report.verdict(), self.settings.fail_on)))
    }

    /// A run of a lower environment, or an interrupted one, never goes over the required file.
    fn place(&self, path: &Path) -> Result<Place, PublishError> {
        let run = &self.report.run;
        let mut remarks = Vec::new();
        let standing = read_existing(path)?;
        let standing_environment = match standing.as_deref().map(document::verify) {
            Some(Verification::Consistent(record)) => Some(record.environment),
            _ => None,
        };
        let mut path = path.to_owned();
        if run.interrupted.is_some() {
            path = evidence_path::beside(&path, run.environment);
            remarks.push(format!("interrupted, so the evidence goes to {}", short(&path)));
        } else if standing_environment.is_some_and(|standing| standing > run.environment) {
            let standing = standing_environment.unwrap_or_default();
            let other = evidence_path::beside(&path, run.environment);
            remarks.push(format!(
                "{} holds evidence of {standing}; this run of {} goes to {}",
                short(&path),
                run.environment,
                short(&other)
            ));
            path = other;
        }
        let existing = read_existing(&path)?;
        let (standing, notes) = kept(existing.as_deref());
        let notes = proposed(notes, &self.templates);
        let mut aside = None;
        let mut previous = None;
        match (&standing, existing) {
            (Standing::Damaged(error), Some(text)) => {
                let stamp = run.finished.strftime("%Y%m%dT%H%M%SZ");
                let kept_at = path.with_extension(format!("damaged-{stamp}.md"));
                remarks.push(format!(
                    "what stood at {} is kept as {}: {error}",
                    short(&path),
                    short(&kept_at)
                ));
                aside = Some((kept_at, text));
            }
            (Standing::Evidence, Some(text)) => {
                previous = document::read(&text).ok().map(|document| document::seal(&document.record));
                if let Verification::Altered(alterations) = document::verify(&text) {
                    let told: Vec<_> = alterations.iter().take(3).map(ToString::to_string).collect();
                    remarks.push(format!(
                        "the evidence that stood at {} had been altered by hand: {}",
                        short(&path),
                        told.join("; ")
                    ));
                }
            }
            _ => {}
        }
        Ok(Place { path, notes, previous, remarks, aside })
    }

    fn write_evidence(&mut self, place: &Place) -> Result<(), PublishError> {
        if let Some((path, text)) = &place.aside {
            write("the damaged file's copy", path, text)?;
        }
        self.report.run.previous.clone_from(&place.previous);
        let record = Record::of(&self.report);
        let text = format!("{}{}", document::render_v1(&record), place.notes);
        write("the evidence file", &place.path, &text)
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
                None => print(&self.report_as(request.format, &setting)),
            };
            result = result.and(written);
        }
        result.and(self.on_github())
    }

    fn output_to_file(&self, format: Format, path: &Path, setting: &Setting) -> Result<(), PublishError> {
        let last_success = match format {
            Format::Textfile => fs::read_to_string(path).ok().as_deref().and_then(formats::last_success),
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

fn read_existing(path: &Path) -> Result<Option<String>, PublishError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(PublishError::Read { path: path.to_owned(), source }),
    }
}

fn write(what: &'static str, path: &Path, text: &str) -> Result<(), PublishError> {
    write_atomically(path, text.as_bytes()).map_err(|source| PublishError::Write {
        what,
        path: path.to_owned(),
        source,
    })
}

/// The path as seen from the working folder, where that is shorter.
fn short(path: &Path) -> String {
    let relative =
        std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    relative.as_deref().unwrap_or(path).display().to_string()
}

#[expect(clippy::print_stderr, reason = "what the user should know beside the result")]
fn tell(remark: &str) {
    eprintln!("{remark}");
}
