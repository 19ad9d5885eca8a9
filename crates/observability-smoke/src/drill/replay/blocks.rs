//! Blocks that promtool makes of text, and the installed Prometheus that is asked about them: it scrapes nothing and
//! evaluates nothing. All of it lies in a folder of the run, and is gone with it.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use evidence_report::run::Run;

use super::{
    super::{
        prometheus::Api,
        stack::{self, Server, StackError, not_ready, option},
    },
    samples::{self, END},
};
use crate::rules::duration;

/// One answer over thousands of evaluations of a long range may take so long.
const PATIENCE: Duration = Duration::from_secs(180);

/// Longer than any replay lies in the past: nothing is deleted.
const RETENTION: &str = "100y";

/// A block may span so much: promtool makes one of every two hours otherwise, and reads the whole text for each.
const ONE_BLOCK: &str = "--max-block-duration=8760h";

/// The programs of a replay.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub(super) prometheus: PathBuf,
    pub(super) promtool: PathBuf,
}

/// The blocks of one alert.
#[derive(Debug)]
pub(super) struct Blocks<'a> {
    run: &'a Run,
    programs: &'a Programs,
    folder: PathBuf,
    lookback: Duration,
}

impl<'a> Blocks<'a> {
    /// An empty place for them.
    pub(super) fn new(
        run: &'a Run,
        programs: &'a Programs,
        number: usize,
        lookback: Duration,
    ) -> Result<Self, StackError> {
        let folder = run.folder().join(format!("replay-{number}"));
        let blocks = Self { run, programs, folder, lookback };
        fs_err::create_dir_all(blocks.data()).map_err(|error| not_ready("the replay's folder", &error))?;
        Ok(blocks)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A file beside the blocks.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes blocks of what `write` writes, and says what it said. Nothing is left of the text.
    pub(super) async fn add(
        &self,
        write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<u64>,
    ) -> Result<u64, StackError> {
        let text = self.folder.join("samples.txt");
        let written = written(&text, write).map_err(|error| not_ready("the replay's samples", &error))?;
        if written > 0 {
            let mut made = self.promtool(&text, true).await?;
            if made.as_ref().is_err_and(|said| said.contains("unknown long flag")) {
                made = self.promtool(&text, false).await?;
            }
            made.map_err(|said| not_ready("promtool", &said))?;
        }
        fs_err::remove_file(&text).map_err(|error| not_ready("the replay's samples", &error))?;
        Ok(written)
    }

    async fn promtool(&self, text: &Path, one_block: bool) -> Result<Result<(), String>, StackError> {
        let mut command = self.run.child(&self.programs.promtool).args(["tsdb", "create-blocks-from"]);
        if one_block {
            command = command.arg(ONE_BLOCK);
        }
        let command = command.args(["openmetrics", "--quiet"]).arg(text).arg(self.data());
        let output = command.output(self.run.stop()).await.map_err(|error| not_ready("promtool", &error))?;
        if output.stopped {
            return Err(StackError::Stopped);
        }
        let said = output.stderr.lines().last().unwrap_or("it said nothing").to_owned();
        Ok(if output.status.success() { Ok(()) } else { Err(said) })
    }

    /// Starts Prometheus over the blocks that are there now.
    pub(super) async fn serve(&self) -> Result<(Server, Api), StackError> {
        let configuration = self.folder.join("prometheus.yml");
        fs_err::write(&configuration, "{}").map_err(|error| not_ready("prometheus", &error))?;
        let server = stack::start(self.run, "prometheus", &self.folder, |address| {
            self.run
                .child(&self.programs.prometheus)
                .arg(option("--config.file", &configuration))
                .arg(option("--storage.tsdb.path", &self.data()))
                .arg(format!("--storage.tsdb.retention.time={RETENTION}"))
                .arg(format!("--query.lookback-delta={}", duration::display(self.lookback)))
                .arg(format!("--query.timeout={}s", PATIENCE.as_secs()))
                .arg(format!("--web.listen-address={address}"))
        })
        .await?;
        let api = Api::patient(server.address, PATIENCE).map_err(|why| not_ready("prometheus", &why))?;
        Ok((server, api))
    }

    /// Ends a Prometheus.
    pub(super) async fn end(&self, server: Server) {
        stack::end(self.run, server).await;
    }

    /// Takes the blocks away: those of the next alert need the room.
    pub(super) fn remove(self) {
        let _ = fs_err::remove_dir_all(&self.folder);
    }
}

fn written(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<u64>,
) -> std::io::Result<u64> {
    let mut into = BufWriter::new(File::create(path)?);
    let written = write(&mut into)?;
    into.write_all(END.as_bytes())?;
    into.into_inner()?.sync_all()?;
    Ok(written)
}

/// The name of a recorded series, and its samples.
pub(super) fn recorded(into: &mut impl Write, name: &str, values: &[(i64, f64)]) -> std::io::Result<u64> {
    for (at, value) in values {
        samples::write(into, name, *value, *at)?;
    }
    Ok(u64::try_from(values.len()).unwrap_or(u64::MAX))
}
