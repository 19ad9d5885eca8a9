//! Progress on stderr: bars and a spinner on a terminal, plain lines elsewhere when asked for.

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use indicatif::{
    HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};

/// How a run tells what it is doing. Clones share the same lines.
///
/// ```
/// use evidence_report::run::{Bar, Progress};
///
/// let progress = Progress::new(false, false);
/// progress.phase("probing");
/// let bar: Bar = progress.bar(2, "probing");
/// bar.advance(1);
/// ```
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
    phase: ProgressBar,
    lines: Lines,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lines {
    Silent,
    Plain,
    Drawn,
}

/// One bar. Dropping it takes it away.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Progress {
    /// Progress that draws on a terminal, prints plain lines elsewhere when `verbose`, and is silent unless
    /// `wanted`.
    #[must_use]
    pub fn new(wanted: bool, verbose: bool) -> Self {
        let lines = match (wanted, std::io::stderr().is_terminal()) {
            (false, _) => Lines::Silent,
            (true, true) => Lines::Drawn,
            (true, false) if verbose => Lines::Plain,
            (true, false) => Lines::Silent,
        };
        let target =
            if lines == Lines::Drawn { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        let phase = bars.add(ProgressBar::new_spinner());
        // What does not fit is cut: a line that the terminal breaks is two.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            phase.set_style(style);
        }
        Self { bars, phase, lines }
    }

    /// Says what is being done now.
    pub fn phase(&self, what: impl Into<String>) {
        let what = what.into();
        match self.lines {
            Lines::Silent => {}
            Lines::Plain => self.plain(&what),
            Lines::Drawn => {
                self.phase.enable_steady_tick(Duration::from_millis(120));
                self.phase.set_message(what);
                self.phase.reset_elapsed();
            }
        }
    }

    /// Says something that stays on the screen.
    pub fn note(&self, what: impl AsRef<str>) {
        match self.lines {
            Lines::Silent => {}
            Lines::Plain => self.plain(what.as_ref()),
            Lines::Drawn => {
                let _ = self.bars.println(what.as_ref());
            }
        }
    }

    /// Says something that has to be read, on a terminal or not.
    pub(super) fn caution(&self, what: &str) {
        match self.lines {
            Lines::Silent | Lines::Plain => self.plain(what),
            Lines::Drawn => {
                let _ = self.bars.println(what);
            }
        }
    }

    /// A bar that counts to `total`.
    #[must_use]
    pub fn bar(&self, total: u64, what: impl Into<String>) -> Bar {
        self.styled(total, what.into(), "  {msg} {wide_bar} {human_pos}/{human_len} {eta}")
    }

    fn styled(&self, total: u64, what: String, template: &str) -> Bar {
        let bar = self.bars.add(ProgressBar::new(total));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key("left", left));
        }
        bar.set_message(what);
        Bar(bar)
    }

    /// A bar that counts bytes to `total`.
    #[must_use]
    pub fn byte_bar(&self, total: u64, what: impl Into<String>) -> Bar {
        self.styled(total, what.into(), "  {msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
    }

    /// A bar that counts bytes: to `total` where that is known, with the time that is left; else how many and how
    /// fast. A total that is passed was an estimate, and is shown as what it became.
    #[must_use]
    pub fn bytes(&self, total: Option<u64>, what: impl Into<String>) -> Bar {
        let columns = rustix::termios::tcgetwinsize(std::io::stderr()).map_or(80, |size| size.ws_col);
        match (total.filter(|total| *total > 0), columns) {
            (Some(total), 76..) => self.styled(
                total,
                what.into(),
                "  {msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}{left}",
            ),
            (Some(total), 38..) => self.styled(total, what.into(), "  {bytes}/{total_bytes}{left}"),
            (Some(total), _) => self.styled(total, what.into(), "  {percent} %{left}"),
            (None, 38..) => self.styled(0, what.into(), "  {msg} {bytes} {bytes_per_sec}"),
            (None, _) => self.styled(0, what.into(), "  {bytes}"),
        }
    }

    /// Whether somebody can see bars: who only looks in order to show does not have to look otherwise.
    #[must_use]
    pub fn is_drawn(&self) -> bool {
        self.lines == Lines::Drawn
    }

    /// Takes everything off the screen.
    pub fn clear(&self) {
        self.phase.finish_and_clear();
        let _ = self.bars.clear();
    }

    /// Whoever reads it may be gone; that must not keep a run from cleaning up.
    fn plain(&self, what: &str) {
        let _ = writeln!(std::io::stderr(), "{what}");
    }
}

/// The time that is left, once something has been seen of the whole.
fn left(state: &ProgressState, to: &mut dyn std::fmt::Write) {
    if state.pos() > 0 {
        let _ = write!(to, ", {:#} left", HumanDuration(state.eta()));
    }
}

impl Bar {
    /// Counts on.
    pub fn advance(&self, by: u64) {
        self.0.inc(by);
    }

    /// Sets the count.
    pub fn set(&self, to: u64) {
        if self.0.length().is_some_and(|total| to > total) {
            self.0.set_length(to);
        }
        self.0.set_position(to);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
