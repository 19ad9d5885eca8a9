//! The reader of expositions and its corpus (`tests/corpus/exposition/`): what is cut, what lies, what once broke
//! something. Each file is read in both formats, as it stands, and twisted in the same ways at every run;
//! `FUZZ_ROUNDS` asks for more, the target `exposition` in `fuzz/` goes on without an end. And hostile streams: memory
//! is bounded by the series, not by the bytes.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use observability_smoke::exposition::{Reader, Syntax};

use crate::support::{Run, Tool};

/// How long the reading of one small file may take, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);

fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/exposition");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Reads the bytes in each way, whole and in two pieces, which must come to the same.
fn read(bytes: &[u8], cut: usize) {
    for make in [|| Reader::new(Syntax::Prometheus), || Reader::new(Syntax::OpenMetrics), Reader::detecting] {
        let began = Instant::now();
        let mut labels = 0;
        let mut take = |sample: &observability_smoke::exposition::Sample<'_>| {
            labels += sample.labels().map(|(name, value)| name.len() + value.len()).sum::<usize>();
            labels += usize::from(sample.fingerprint() == 0);
        };
        let mut whole = make();
        whole.feed(bytes, &mut take);
        let whole = whole.finish(&mut take);
        let mut pieces = make();
        pieces.feed(&bytes[..cut], &mut take);
        pieces.feed(&bytes[cut..], &mut take);
        let pieces = pieces.finish(&mut take);
        assert_eq!(whole.problems, pieces.problems, "cut at {cut}: {bytes:02x?}");
        assert!(whole.problems.len() <= 200 && whole.lines <= bytes.len() as u64 + 1);
        assert!(began.elapsed() < PATIENCE, "{:?} for {bytes:02x?}", began.elapsed());
    }
}

#[test]
fn the_corpus_is_read_as_it_stands_and_twisted() {
    let rounds = std::env::var("FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(150);
    let corpus = corpus();
    assert!(corpus.len() >= 20, "{} files", corpus.len());
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for (_, seed) in &corpus {
        read(seed, chance.below(seed.len() + 1));
        for _ in 0..rounds {
            let other = &corpus[chance.below(corpus.len())].1;
            let bytes = twisted(seed, other, &mut chance);
            read(&bytes, chance.below(bytes.len() + 1));
        }
    }
}

#[test]
fn the_corpus_has_a_fuzz_target() {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets/exposition.rs");
    assert!(target.is_file());
}

/// Numbers that look random, and are the same at every run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

/// A seed with one to four changes.
fn twisted(seed: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    const TELLING: &[u8] = b"\0\t\n\r \"#+,-.09:={}\\_aNe\xc3\xff";
    let mut bytes = seed.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        let length = chance.below(24).min(bytes.len() - at);
        match chance.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 if at < bytes.len() => bytes[at] = TELLING[chance.below(TELLING.len())],
            2 => drop(bytes.drain(at..at + length)),
            3 => {
                let piece = bytes[at..at + length].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => {
                let from = chance.below(other.len());
                let piece = &other[from..other.len().min(from + 40)];
                bytes.splice(at..at + length, piece.iter().copied());
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

/// Reads a file with so little memory for data that what grows with the bytes is killed.
fn read_in_little_memory(tool: &Tool, file: &Path) -> Run {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -d 16384 && exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_observability-smoke"));
    command.args(["metrics", "--quiet"]).arg(file);
    command.current_dir(tool.folder.path()).env("OPS_SMOKE_RUN_BASE", tool.path("runs"));
    command.env_remove("GITHUB_ACTIONS");
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.code().is_some(), "killed: {}", String::from_utf8_lossy(&output.stderr));
    output.into()
}

#[test]
fn hostile_streams_take_no_more_memory_than_their_series() {
    let tool = Tool::new();
    // Each unpacks to 20 MB, more than the memory that is allowed.
    let repeated = |piece: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let block = piece.repeat(65_536 / piece.len());
        for _ in 0..20_000_000 / block.len() {
            packer.write_all(&block).unwrap();
        }
        packer.finish().unwrap()
    };
    for (name, piece, code) in [
        ("one line without an end", &b"a"[..], 2),
        (
            "the same series again and again",
            b"queue_depth{queue=\"mail\",host=\"a-long-name-of-a-host\"} 1\n",
            2,
        ),
        ("problems", b"this is no line of an exposition, but it is long enough\n", 2),
    ] {
        let path = tool.path("hostile.gz");
        fs::write(&path, repeated(piece)).unwrap();
        let run = read_in_little_memory(&tool, &path);
        assert_eq!(run.code, code, "{name}: {}{}", run.stdout, run.stderr);
    }
}
