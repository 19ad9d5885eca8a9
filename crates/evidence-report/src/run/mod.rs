//! The paved path of every tool: flags, stop, children, journal, lock, sweep, progress, publish.
//!
//! A tool's `main` reads: parse → `Plan::resolve` → [`Run::start`] → observe → [`Run::finish`] →
//! [`Finished::publish`]. [`main`] wraps that, so that errors and exit codes are the same everywhere.

mod atomic;
pub mod child;
mod config;
mod entry;
mod evidence_path;
mod flags;
mod folder;
mod git;
mod history_file;
mod journal;
mod lock;
mod mask;
mod named_file;
mod owed;
mod progress;
mod publication;
mod publish;
pub mod redact;
mod session;
mod settings;
mod stop;
mod streams;
mod sweep;
mod waiver;
mod waivers;
mod watchers;
mod yaml_words;

pub use atomic::write_atomically;
pub use config::{ConfigError, SharedConfig, read_config};
pub use entry::{CommandLine, UNABLE, Usage, main};
#[cfg(feature = "command")]
pub(crate) use evidence_path::{evidence_folder, repository};
pub use flags::{ColorChoice, FailOn, FormatRequest, SharedFlags, parse_duration};
pub use folder::{RunFolder, run_base};
#[cfg(feature = "command")]
pub(crate) use history_file::HistoryFile;
pub use history_file::history_path;
pub use journal::{Effect, Entry, Journal};
pub use mask::{Mask, is_secret_name};
pub use named_file::why_unread;
pub use progress::{Bar, Progress};
#[cfg(feature = "command")]
pub(crate) use publication::{Arriving, Publication, file_name, short, write};
pub use publish::{Finished, PublishError};
#[cfg(feature = "command")]
pub(crate) use session::SHARD_FACT;
pub use session::{Run, RunError};
pub use settings::{Defaults, Settings, SettingsError};
pub use stop::{Stop, StopReason, Stopped};
pub use streams::{print, print_text, tell};
pub use sweep::{Swept, sweep, sweep_command, sweep_command_knowing, sweep_knowing};
pub use waiver::{WAIVER, Waiver, WaiverConfig};
#[cfg(feature = "command")]
pub(crate) use waivers::{Extent, IN_THIS_PART, apply as waive, fits};
pub use yaml_words::YamlProblem;
