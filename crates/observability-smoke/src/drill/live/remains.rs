//! What a killed drill leaves in a real Prometheus: an alert that ends by itself once the series are gone, and the
//! target in the file that the drill was told to write. `sweep` takes out the target, and looks whether the alert
//! has ended.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::{
    drill::{prometheus::Api, series::Labels},
    http::{Http, Trust},
};

/// Series that were exposed, as the journal has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftSeries {
    /// Prometheus.
    pub(crate) prometheus: String,
    /// The alert.
    pub(crate) alert: String,
    /// What its instances carry.
    pub(crate) mark: Labels,
    /// When it has ended by itself at the latest.
    pub(crate) until: Timestamp,
    /// The file with the target, where there is one.
    pub(crate) targets_file: Option<PathBuf>,
}

/// Takes the drill's target out of the file again.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn forget_target(file: &Path) -> std::io::Result<()> {
    write_targets(file, "[]\n")
}

/// Prometheus reads the file whenever it changes: it must never be seen half written.
pub(super) fn write_targets(file: &Path, text: &str) -> std::io::Result<()> {
    let beside = file.with_extension("json.new");
    fs_err::write(&beside, text)?;
    fs_err::rename(&beside, file)
}

impl LeftSeries {
    /// Undoes it; whether nothing is left. It asks from within a runtime, and waits: so it has a thread of its own.
    pub(crate) fn sweep(&self, headers: &HeaderMap) -> bool {
        if self.targets_file.as_ref().is_some_and(|file| file.exists() && forget_target(file).is_err()) {
            return false;
        }
        let ask = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(self.is_gone(headers))
        };
        std::thread::scope(|scope| scope.spawn(ask).join()).ok().flatten().unwrap_or(false)
    }

    async fn is_gone(&self, headers: &HeaderMap) -> Option<bool> {
        let url: crate::config::Url = self.prometheus.parse().ok()?;
        let http = Http::new(if url.0.scheme() == "https" { Trust::System } else { Trust::Nobody }).ok()?;
        let active = Api::real(&http, &url, headers).active().await.ok()?;
        Some(!active.iter().any(|one| self.is_ours(&one.labels)))
    }

    /// Whether these are the labels of the alert that is left.
    pub(crate) fn is_ours(&self, labels: &Labels) -> bool {
        labels.get("alertname") == Some(&self.alert)
            && self.mark.iter().all(|(name, value)| labels.get(name) == Some(value))
    }
}
