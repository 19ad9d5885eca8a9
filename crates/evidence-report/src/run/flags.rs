//! The flags that every tool shares, the same to the letter.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, ValueEnum};

use crate::{formats::Format, record::Environment};

/// Shared flags: flatten them into the tool's own `Cli`.
///
/// ```
/// use clap::Parser;
/// use evidence_report::run::{ColorChoice, FailOn, FormatRequest, SharedFlags};
///
/// #[derive(Parser)]
/// struct Cli {
///     #[command(flatten)]
///     shared: SharedFlags,
/// }
/// let cli = Cli::parse_from(["tool", "--format", "junit=out.xml", "--fail-on", "failure", "--color", "never"]);
/// assert_eq!(cli.shared.format, ["junit=out.xml".parse::<FormatRequest>().unwrap()]);
/// assert_eq!((cli.shared.fail_on, cli.shared.color), (Some(FailOn::Failure), Some(ColorChoice::Never)));
/// ```
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Shared options")]
pub struct SharedFlags {
    /// Configuration file (YAML; unknown keys are refused with line and column)
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Evidence file to write; `none` writes none [default: doc/operations/evidence/… of the repository]
    #[arg(long, value_name = "PATH", global = true)]
    pub evidence: Option<PathBuf>,
    /// Output: text, json, junit, ctrf, sarif, github, nagios, textfile, in-toto or ics; to stdout, or to a file as NAME=PATH (repeatable)
    #[arg(long, value_name = "NAME[=PATH]", global = true)]
    pub format: Vec<FormatRequest>,
    /// Where the run takes place [default: local]
    #[arg(long, value_enum, value_name = "NAME", global = true)]
    pub environment: Option<Environment>,
    /// Who answers for the result
    #[arg(long, value_name = "NAME", global = true)]
    pub owner: Option<String>,
    /// What makes the exit code other than 0: `warning` (default) or only `failure`
    #[arg(long, value_enum, value_name = "LEVEL", global = true)]
    pub fail_on: Option<FailOn>,
    /// Deadline for the whole run, for example 90s, 10m or 2h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, global = true)]
    pub timeout: Option<Duration>,
    /// Print the plan and do nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Explain a check by its id, or `all`
    #[arg(long, value_name = "CHECK", global = true)]
    pub explain: Option<String>,
    /// Print the JSON Schema of the configuration file
    #[arg(long, global = true)]
    pub print_schema: bool,
    /// Say nothing on a pass, one line on stderr otherwise
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say more: every finding, every step
    #[arg(long, short, global = true)]
    pub verbose: bool,
    /// Colour of the text output; NO_COLOR is respected
    #[arg(long, value_enum, value_name = "WHEN", global = true)]
    pub color: Option<ColorChoice>,
    /// No progress on stderr
    #[arg(long, global = true)]
    pub no_progress: bool,
}

/// From which verdict on the exit code says so.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    ValueEnum,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FailOn {
    /// A warning exits 1.
    #[default]
    Warning,
    /// A warning exits 0; failed and inconclusive stay 2 and 3.
    Failure,
}

/// When the text output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// One `--format`: what, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatRequest {
    /// The format.
    pub format: Format,
    /// The file; `None` is standard output.
    pub path: Option<PathBuf>,
}

impl FromStr for FormatRequest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = match text.split_once('=') {
            Some((_, "")) => return Err(format!("'{text}' names no file after the equals sign")),
            Some((name, path)) => (name, Some(PathBuf::from(path))),
            None => (text, None),
        };
        Ok(Self { format: name.parse()?, path })
    }
}

/// Reads a duration as people type it: `90s`, `10m`, `1h 30m`, `21d` (a day has 24 hours), or `PT10M`.
///
/// # Errors
/// A sentence that says what is wrong and shows a right one.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = |why| format!("'{text}' is no duration{why}; write 90s, 10m, 2h or 21d");
    let span: jiff::Span = text.parse().map_err(|_| wrong(""))?;
    let signed = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_| wrong(" that always lasts the same (months and years do not)"))?;
    Duration::try_from(signed).map_err(|_| wrong(" (it is negative)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_type_them() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("21d"), Ok(Duration::from_secs(21 * 86_400)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for wrong in ["", "ten", "-5s", "5", "5 parsecs"] {
            assert!(parse_duration(wrong).unwrap_err().contains("write 90s"), "{wrong}");
        }
        assert_eq!(parse_duration("5").unwrap_err(), "'5' is no duration; write 90s, 10m, 2h or 21d");
        assert!(parse_duration("2 months").unwrap_err().contains("months and years do not"));
    }

    #[test]
    fn a_format_may_name_a_file() {
        let request: FormatRequest = "junit=out/report.xml".parse().unwrap();
        assert_eq!(request, FormatRequest { format: Format::Junit, path: Some("out/report.xml".into()) });
        assert!("junit=".parse::<FormatRequest>().is_err());
        assert!("yaml".parse::<FormatRequest>().unwrap_err().contains("text"));
    }
}
