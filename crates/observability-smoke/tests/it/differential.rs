//! Our OpenMetrics reader against client_python's strict parser, on generated text: good families, and the same
//! with one thing changed. `scripts/client-python` fetches the parser; without it the test says that it was skipped.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use observability_smoke::exposition::{Reader, Syntax};

/// A generator whose numbers are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.roll(choices.len())]
    }
}

fn labels(dice: &mut Dice, index: usize) -> String {
    let value = dice.one_of(&["", "a", "b c", "\\\\", "\\\"", "\\n", "}", "#", "ü", "x,y=\\\"z\\\""]);
    format!("i=\"{index}\",v=\"{value}\"")
}

/// One family of valid OpenMetrics.
fn family(dice: &mut Dice, number: usize) -> String {
    let kind = dice.one_of(&[
        "gauge",
        "counter",
        "histogram",
        "summary",
        "info",
        "stateset",
        "unknown",
        "gaugehistogram",
    ]);
    let name = format!("f{number}");
    let mut text = format!("# HELP {name} Some \\\\ help.\n# TYPE {name} {kind}\n");
    let stamp = if dice.roll(4) == 0 { " 1700000000.5" } else { "" };
    for index in 0..=dice.roll(3) {
        let labels = labels(dice, index);
        let number = dice.one_of(&["0", "1", "17.25", "1e3", "3.5E-2", "+Inf"]);
        let _ = match kind {
            "counter" => writeln!(
                text,
                "{name}_total{{{labels}}} {number}{stamp} # {{t=\"1\"}} 0.5\n{name}_created{{{labels}}} 1{stamp}"
            ),
            "histogram" => writeln!(
                text,
                "{name}_bucket{{{labels},le=\"1.0\"}} 1{stamp} # {{t=\"1\"}} 0.5\n{name}_bucket{{{labels},le=\"+Inf\"}} 2{stamp}\n{name}_count{{{labels}}} 2{stamp}\n{name}_sum{{{labels}}} 1.5{stamp}"
            ),
            "gaugehistogram" => writeln!(
                text,
                "{name}_bucket{{{labels},le=\"1.0\"}} 1{stamp}\n{name}_bucket{{{labels},le=\"+Inf\"}} 2{stamp}\n{name}_gcount{{{labels}}} 2{stamp}\n{name}_gsum{{{labels}}} 1.5{stamp}"
            ),
            "summary" => writeln!(
                text,
                "{name}{{{labels},quantile=\"0.5\"}} 1{stamp}\n{name}_count{{{labels}}} 2{stamp}\n{name}_sum{{{labels}}} 1.5{stamp}"
            ),
            "info" => writeln!(text, "{name}_info{{{labels}}} 1{stamp}"),
            "stateset" => writeln!(
                text,
                "{name}{{{labels},{name}=\"on\"}} 1{stamp}\n{name}{{{labels},{name}=\"off\"}} 0{stamp}"
            ),
            _ => writeln!(text, "{name}{{{labels}}} {number}{stamp}"),
        };
    }
    text
}

/// The same text with one thing changed: a character, a word, a line.
fn twisted(dice: &mut Dice, text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = dice.roll(lines.len());
    match dice.roll(8) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[dice_line(at, lines.len())].clone()),
        2 => lines.swap(at, dice_line(at, text.lines().count())),
        3 => {
            let from = dice.one_of(&[
                " 1", "\"", "{", "}", ",", "_total", "_bucket", "_sum", "le=", "# ", "+Inf", "gauge", "2",
                "0.5",
            ]);
            let to = dice.one_of(&["", " ", "  ", "x", "-1", "NaN", "\"", "1.5", "_count", "}"]);
            lines[at] = lines[at].replacen(from, to, 1);
        }
        4 => lines[at].push_str(dice.one_of(&[" ", "x", " 5", " # {a=\"b\"} 1", "\t", " # {} 1", " -5"])),
        5 => lines[at].insert_str(0, dice.one_of(&[" ", "#", "x", "1"])),
        6 => {
            let characters: Vec<char> = lines[at].chars().collect();
            let gone = dice.roll(characters.len().max(1));
            lines[at] = characters.iter().enumerate().filter(|(i, _)| *i != gone).map(|(_, c)| c).collect();
        }
        _ => {
            lines[at] =
                lines[at].replacen("# HELP", dice.one_of(&["# UNIT", "# TYPE", "#HELP", "# HELPS"]), 1)
        }
    }
    lines.join("\n") + "\n"
}

fn dice_line(at: usize, lines: usize) -> usize {
    (at * 7 + 3) % lines
}

/// Our verdict: the samples, if the text is valid, and the problems.
fn ours(text: &str) -> (Option<Vec<serde_json::Value>>, Vec<String>) {
    let mut samples = Vec::new();
    let mut take = |sample: &observability_smoke::exposition::Sample<'_>| {
        let mut labels: Vec<_> = sample.labels().filter(|(_, value)| !value.is_empty()).collect();
        labels.sort();
        samples.push((sample.name.to_owned(), serde_json::json!(labels), sample.value));
    };
    let mut reader = Reader::new(Syntax::OpenMetrics);
    reader.feed(text.as_bytes(), &mut take);
    let reading = reader.finish(&mut take);
    let problems = reading.problems.iter().map(ToString::to_string).collect();
    if !reading.is_valid() {
        return (None, problems);
    }
    let shown = |(name, labels, value): (String, serde_json::Value, f64)| {
        serde_json::json!([name, labels, value.to_string()])
    };
    (Some(samples.into_iter().map(shown).collect()), problems)
}

/// The folder of client_python; `None` where it cannot be used.
fn client_python() -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target"));
    let folder = target.join("client-python");
    let usable = folder.join("prometheus_client").is_dir()
        && Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    usable.then_some(folder)
}

/// Where the two differ, each with why ours is right. Both texts must stand in what the two say.
const KNOWN: &[[&str; 2]] = &[
    // "The value of the exemplar MUST be within this range" of its bucket: client_python does not look.
    ["exemplar-range", ""],
    // A line starts with a name or with one number sign and a blank; client_python skips what starts with two.
    ["`##", "(comment)"],
    // A blank stands between the labels and the value, and client_python does not miss it.
    ["(spacing)", "a blank and a value must follow"],
    // The same series twice, without a timestamp: client_python looks within some types only.
    ["(duplicate-series)", ""],
    // The same series twice, with the same timestamp: valid for both, and client_python drops the second silently.
    ["(repeated-timestamp)", "null"],
    // client_python takes all infos of a family for one metric.
    ["(grouping)", "_info{"],
    ["Mix of timestamp presence within a group", "_info{"],
];

#[test]
fn our_verdict_is_that_of_client_python_on_generated_text() {
    let Some(folder) = client_python() else {
        println!("skipped: scripts/client-python has fetched nothing, or there is no python3");
        return;
    };
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut texts = Vec::new();
    for _ in 0..400 {
        let families: String = (0..=dice.roll(3)).map(|number| family(&mut dice, number)).collect();
        let good = families + "# EOF\n";
        texts.extend((0..3).map(|_| twisted(&mut dice, &good)));
        texts.push(good);
    }
    let mut python = Command::new("python3");
    python
        .arg("-c")
        .arg(include_str!("client_python.py"))
        .env("PYTHONPATH", folder)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: String = texts.iter().map(|text| serde_json::json!(text).to_string() + "\n").collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), texts.len());
    let (mut agreed, mut valid, mut accidents, mut wrong) = (0, 0, 0, Vec::new());
    for (text, answer) in texts.iter().zip(&answers) {
        let (ours, problems) = ours(text);
        let same = match (&ours, answer["samples"].as_array()) {
            _ if answer["accident"].is_string() => {
                accidents += 1;
                continue;
            }
            (Some(ours), Some(theirs)) => {
                valid += 1;
                ours.len() == theirs.len()
                    && ours.iter().zip(theirs).all(|(ours, theirs)| alike(ours, theirs))
            }
            (None, None) => true,
            _ => false,
        };
        let told = format!("{} {}", problems.join("; "), answer["error"]);
        if same || KNOWN.iter().any(|both| both.iter().all(|part| told.contains(part))) {
            agreed += 1;
        } else {
            wrong.push(format!("{text}ours: {told}"));
        }
    }
    println!(
        "{agreed} of {} texts agreed upon, {valid} of them valid, {accidents} accidents of the other",
        texts.len()
    );
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n---\n"));
    assert!(valid > 400 && texts.len() - valid - accidents > 400, "{valid} valid, {accidents} accidents");
}

fn alike(ours: &serde_json::Value, theirs: &serde_json::Value) -> bool {
    let number = |value: &serde_json::Value| value[2].as_str().unwrap().parse::<f64>().unwrap();
    ours[0] == theirs[0]
        && ours[1] == theirs[1]
        && (number(ours).to_bits() == number(theirs).to_bits()
            || (number(ours).is_nan() && number(theirs).is_nan()))
}
