//! The reader of expositions and its corpus (`tests/corpus/exposition/`): what is cut, what lies, what once broke
//! something. Each file is read in both formats, as it stands, and twisted in the same ways at every run;
//! `FUZZ_ROUNDS` asks for more, the target `exposition` in `fuzz/` goes on without an end. And hostile streams: memory
//! is bounded by the series, not by the bytes.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use corpus_replay::{Corpus, Twists};
use observability_smoke::exposition::{Reader, Syntax};

use crate::support::{Run, Tool};

/// Reads the bytes in each way, whole and in two pieces, which must come to the same.
fn read(bytes: &[u8], cut: usize) {
    for make in [|| Reader::new(Syntax::Prometheus), || Reader::new(Syntax::OpenMetrics), Reader::detecting] {
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
    }
}

#[test]
fn the_corpus_is_read_as_it_stands_and_twisted() {
    let corpus =
        Corpus::of(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/exposition")]).unwrap();
    assert!(corpus.seeds().count() >= 20);
    let twists = Twists { telling: b"\0\t\n\r \"#+,-.09:={}\\_aNe\xc3\xff", lines: false };
    corpus.replay(150, &twists, |bytes, chance| read(bytes, chance.below(bytes.len() + 1)));
}

#[test]
fn the_corpus_has_a_fuzz_target() {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets/exposition.rs");
    assert!(target.is_file());
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
