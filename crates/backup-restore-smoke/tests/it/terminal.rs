//! Progress on a terminal, frame by frame as a person sees it: every phase that lasts says what, how many bytes, how
//! fast and how much is left, on a wide terminal and on a narrow one; and whoever is no terminal gets no control
//! character.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use crate::{cluster::TestCluster, dumps::file, tool::Tool};

/// What stands on a terminal, as far as the tool moves on it.
pub(crate) struct Screen {
    columns: usize,
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Screen {
    /// Every frame that could be seen, with the colours that were asked for.
    pub(crate) fn frames(shown: &str, columns: usize) -> Vec<String> {
        let mut screen = Self { columns, lines: vec![Vec::new()], row: 0, column: 0 };
        let (mut frames, mut rest) = (Vec::new(), shown);
        while let Some(character) = rest.chars().next() {
            rest = &rest[character.len_utf8()..];
            match character {
                '\u{1b}' => {
                    let sequence = rest.strip_prefix('[').expect("only control sequences are written");
                    let end = sequence.find(|c: char| c.is_ascii_alphabetic()).expect("a sequence ends");
                    let number = sequence[..end].parse().unwrap_or(1);
                    // Whatever is drawn next begins by going up or by wiping a line: until then a frame stood still.
                    frames.push(screen.text());
                    screen.control(&sequence[end..=end], number);
                    rest = &sequence[end + 1..];
                }
                '\r' => screen.column = 0,
                '\n' => screen.down(),
                printed => screen.print(printed),
            }
        }
        frames.push(screen.text());
        frames.dedup();
        frames
    }

    fn control(&mut self, what: &str, number: usize) {
        match what {
            "A" => self.row = self.row.saturating_sub(number),
            "B" => (0..number).for_each(|_| self.down()),
            "K" => self.lines[self.row].clear(),
            "J" => self.lines.truncate(self.row + 1),
            "m" | "h" | "l" => {}
            other => panic!("an unknown control sequence: {number}{other}"),
        }
    }

    fn down(&mut self) {
        (self.row, self.column) = (self.row + 1, 0);
        if self.lines.len() == self.row {
            self.lines.push(Vec::new());
        }
    }

    fn print(&mut self, character: char) {
        if self.column == self.columns {
            self.down();
        }
        let line = &mut self.lines[self.row];
        line.resize(line.len().max(self.column + 1), ' ');
        line[self.column] = character;
        self.column += 1;
    }

    fn text(&self) -> String {
        let lines = self.lines.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned());
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

/// Runs the tool with standard error on a terminal of so many columns, and gives what the terminal got.
pub(crate) fn on_a_terminal(
    tool: &Tool,
    arguments: &str,
    columns: usize,
    environment: &[(&str, &str)],
) -> String {
    let program = assert_cmd::cargo::cargo_bin!("backup-restore-smoke");
    let line = format!("stty rows 40 cols {columns}\n'{}' {arguments} >stdout.txt\n", program.display());
    let script = tool.file("run.sh", &line);
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = Command::new("script");
    command.args(["--quiet", "--flush", "--command"]);
    command.arg(format!("sh {}", script.display())).arg("/dev/null");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("TERM", "xterm");
    command.env("OPS_SMOKE_RUN_BASE", tool.base()).env("HOME", tool.path(""));
    command.envs(environment.iter().copied()).current_dir(tool.path(""));
    String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
}

/// A database whose dump and restore last for a look or two.
fn filled(cluster: &TestCluster) -> &'static str {
    let shop = cluster.shop();
    fill(cluster, shop, 400_000);
    shop
}

fn fill(cluster: &TestCluster, shop: &str, rows: u32) {
    cluster.sql(
        shop,
        &format!(
            "DROP TABLE IF EXISTS shop.much; \
             CREATE TABLE shop.much AS SELECT i, md5(i::text) AS a, md5((-i)::text) AS b FROM generate_series(1, {rows}) AS i; \
             ALTER TABLE shop.much ADD PRIMARY KEY (i); CREATE INDEX ON shop.much (a)"
        ),
    );
}

/// Whether some frame shows, under this phase, a line with all of these words.
fn shows(frames: &[String], phase: &str, words: &[&str]) -> bool {
    frames.iter().any(|frame| {
        frame.contains(phase) && frame.lines().any(|line| words.iter().all(|word| line.contains(word)))
    })
}

pub(crate) fn assert_shows(frames: &[String], phase: &str, words: &[&str]) {
    assert!(shows(frames, phase, words), "{phase} {words:?}:\n{}", frames.join("\n---\n"));
}

#[test]
fn a_dump_says_what_is_left_at_most_and_from_the_second_time_on_about() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let source = cluster.conninfo(filled(&cluster));
    let run = format!("rehearse --source \"{source}\" --jobs 2 --scratch-shares-filesystem --evidence e.md");
    for what in ["written, of at most ", "written, of about "] {
        let frames = Screen::frames(&on_a_terminal(&tool, &run, 120, &[]), 120);
        assert_shows(&frames, "dump: pg_dump, 2 workers", &[what, "MiB/", "iB/s, ", " left"]);
        assert_shows(&frames, "restore: pg_restore", &["in files ", "iB/s, ", " left"]);
        assert_shows(&frames, "copy: fingerprint", &["tables ", " left"]);
        let most = frames.iter().map(|frame| frame.lines().count()).max().unwrap();
        assert!(most <= 3, "a phase and a bar, and no trail of them: {most}\n{}", frames.join("\n---\n"));
        assert!(
            frames.last().unwrap().lines().all(|line| line.starts_with("evidence")),
            "{:?}",
            frames.last()
        );
    }
    tool.assert_nothing_left();
}

const LOOKING: &str = "backup: looking through it";
const RESTORING: &str = "restore: shop";

#[test]
fn a_dump_that_exists_is_read_and_restored_with_what_is_left_here_and_on_a_server_that_is_kept() {
    let (cluster, target, tool) = (TestCluster::start(), TestCluster::start(), Tool::new());
    let shop = cluster.shop();
    let (reading, restoring) = (["read ", "iB/s, ", " left"], ["in files ", "iB/s, ", " left"]);
    let (mut run, mut frames) = (String::new(), Vec::new());
    // What a fast machine has gone through before the first look takes longer with more of it.
    for rows in [400_000, 1_600_000, 4_800_000] {
        fill(&cluster, shop, rows);
        let dump = cluster.dump("pg_dump", &["--format=custom", "--compress=1", shop]);
        let dump = file(&tool, "shop.dump", &dump);
        run = format!("rehearse --backup {dump} --jobs 2 --scratch-shares-filesystem --evidence none");
        frames = Screen::frames(&on_a_terminal(&tool, &run, 120, &[]), 120);
        if shows(&frames, LOOKING, &reading) && shows(&frames, RESTORING, &restoring) {
            break;
        }
    }
    assert_shows(&frames, LOOKING, &reading);
    assert_shows(&frames, RESTORING, &restoring);
    let (to, from) = (target.conninfo("postgres"), cluster.conninfo(shop));
    let run = format!("{run} --target \"{to}\" --source \"{from}\"");
    let frames = Screen::frames(&on_a_terminal(&tool, &run, 120, &[]), 120);
    assert_shows(&frames, "restore: ops_smoke_", &["in the database ", "iB/s, ", " left"]);
    tool.assert_nothing_left();
}

#[test]
fn a_narrow_terminal_gets_lines_that_fit_and_neither_quiet_nor_a_file_gets_any() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let source = cluster.conninfo(filled(&cluster));
    let run = format!("fingerprint --source \"{source}\" --row-buckets --jobs 1 -o kept.json");
    for (columns, words) in [(40, ["MiB/", " left"]), (24, [" %", " left"])] {
        let frames = Screen::frames(&on_a_terminal(&tool, &run, columns, &[("NO_COLOR", "1")]), columns);
        assert_shows(&frames, "source: ", &words);
        let most = frames.iter().map(|frame| frame.lines().count()).max().unwrap();
        assert!(most <= 3, "{columns}: no line is broken in two: {most}\n{}", frames.join("\n---\n"));
    }
    let shown = on_a_terminal(&tool, &format!("{run} --quiet"), 80, &[]);
    assert_eq!(shown, "", "--quiet");
    let output = tool.bare().args(["fingerprint", "--source", &source, "--row-buckets"]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(!output.stdout.contains(&0x1b) && !output.stdout.contains(&b'\r'));
    tool.assert_nothing_left();
}

#[test]
fn no_color_and_a_dumb_terminal_get_no_colour() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let source = cluster.conninfo(cluster.shop());
    let run = format!("fingerprint --source \"{source}\" -o kept.json");
    for environment in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        let shown = on_a_terminal(&tool, &run, 80, &environment);
        let coloured = shown.split("\u{1b}[").skip(1).any(|rest| {
            rest.find(|c: char| c.is_ascii_alphabetic()).is_some_and(|end| rest[end..].starts_with('m'))
        });
        assert!(!coloured, "{environment:?}: {shown:?}");
    }
}
