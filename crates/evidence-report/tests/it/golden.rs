//! Whole pages, frozen: what passed, what failed, what could not be told, and what is hostile. And for records made
//! at random: what is rendered reads back, and no character of it can be changed without being found.

use evidence_report::{
    document::{Verification, read, render_signed_v1, render_v1, verify},
    record::{
        Attachment, Chart, Decimal, Detail, Environment, Measurement, Objective, Report, Requirement, Stage,
        Timeline,
        v1::{MAXIMUM_BYTES, Record},
    },
};
use proptest::{prelude::*, sample::Index};

use crate::fixture::{self, CONTENT, ISOLATED, LIFETIME};

/// A run with nothing that is not needed.
fn plain(change: impl Fn(&mut Report)) -> Report {
    let mut report = fixture::report();
    report.run.title = "Rehearsal".into();
    report.run.previous = None;
    report.findings = vec![CONTENT.passed("public.orders").expected("10 rows").observed("10 rows")];
    report.measurements.clear();
    report.timeline = Timeline::default();
    report.charts.clear();
    report.details.clear();
    report.attachments.clear();
    change(&mut report);
    report.sort();
    report
}

/// The page, which is consistent.
fn page(report: &Report) -> String {
    let record = Record::of(report);
    let text = render_v1(&record);
    assert_eq!(verify(&text), Verification::Consistent(Box::new(record)));
    text
}

const HOSTILE: [&str; 10] = [
    "a | b || c \\| d",
    "``` `code` ````",
    "<script>alert(1)</script><!-- evidence-report:end v1 -->",
    "</details><details open>&lt;b&gt;",
    "\u{202E}txt.exe\u{2066}isolate\u{2069}",
    "🔥👩‍💻🇪🇺 e\u{0301}",
    "line one\r\nline two\u{2028}three\u{0}\u{1b}[31m",
    "# heading\n---\n**FAILED** [link](javascript:alert(1)) @team https://x.example",
    "![image](x) $math$ ~~gone~~ _em_ __init__",
    "Seal: `sha256:00`",
];

#[test]
fn a_page_of_a_run_that_passed() {
    insta::assert_snapshot!(page(&plain(|_| {})));
}

#[test]
fn a_page_of_a_run_that_failed() {
    insta::assert_snapshot!(page(&plain(|report| {
        report.findings.push(CONTENT.failed("public.items").expected("5 rows").observed("4 rows"));
        report.measurements.push(
            Measurement::seconds("recovery_time_seconds", 12.5)
                .objective(Objective::AtMost(Decimal::from(10))),
        );
    })));
}

#[test]
fn a_page_of_a_run_that_could_not_tell() {
    insta::assert_snapshot!(page(&plain(|report| {
        report.run.interrupted = Some("SIGTERM".into());
        let why = "namespaces are forbidden here";
        report.findings.push(ISOLATED.not_checked(Requirement::Required, "scratch", why));
        report.findings.push(CONTENT.inconclusive("public.items").observed("no disk space was left"));
    })));
}

#[test]
fn a_page_of_nothing_is_no_pass() {
    let page = page(&plain(|report| report.findings.clear()));
    assert!(page.contains("**INCONCLUSIVE · ") && page.contains("Nothing was checked."), "{page}");
}

/// Every text that anybody can put anything into.
fn hostile(texts: &[&str]) -> Report {
    plain(|report| {
        for (index, text) in texts.iter().enumerate() {
            let text = (*text).to_owned();
            report.findings.push(
                LIFETIME.failed(&text).expected(&text).observed(&text).remedy(&text).at(&text, Some(7)),
            );
            report.measurements.push(
                Measurement::new(&text, Decimal::from(index as u64), &text).label(text.clone(), text.clone()),
            );
            report.charts.push(Chart { title: text.clone(), lines: vec![text.clone()] });
            report.details.push(Detail { title: text.clone(), text: text.clone() });
            let sha256 = "cd".repeat(32);
            report.attachments.push(Attachment { name: text.clone(), sha256, bytes: 1 });
            report.run.facts.push((text.clone(), text.clone()));
            report.run.command.push(text.clone());
            let at = std::time::Duration::from_secs(index as u64);
            report.timeline.stages.push(Stage { name: text.clone(), start: at, end: at, note: text });
        }
        let all = texts.join(" ");
        report.timeline.zero.clone_from(&all);
        report.run.title.clone_from(&all);
        report.run.owner = Some(all.clone());
        report.run.host.clone_from(&all);
        report.run.operator.clone_from(&all);
    })
}

#[test]
fn a_page_of_hostile_words_shows_them_and_obeys_none() {
    let page = page(&hostile(&HOSTILE));
    let outside = outside_fences(&page);
    let ours = outside.replace("<details>", "").replace("</details>", "").replace("<summary>", "");
    // What is escaped is no markup.
    let ours = ours.replace("\\]", "").replace("\\[", "").replace("\\*", "");
    let ours = ours.replace("</summary>", "").replace("<!-- evidence-report:end v1 -->", "");
    for markup in
        ["<", "\u{202E}", "\u{2066}", "\u{1b}", "\0", "@", "\n# heading", "\n---", "![", "](", "**FAILED** "]
    {
        assert!(!ours.contains(markup), "{markup}: {ours}");
    }
    assert!(!page.contains('\u{1b}') && !page.contains('\0'));
    insta::assert_snapshot!(page);
}

/// What a reader of markdown takes for markup: everything that stands in no fence.
fn outside_fences(page: &str) -> String {
    let mut open = None;
    let outside = page.lines().filter(|line| {
        let ticks = line.bytes().take_while(|byte| *byte == b'`').count();
        match open {
            Some(length) if ticks >= length && line[ticks..].is_empty() => open = None,
            Some(_) => {}
            None if ticks >= 3 => open = Some(ticks),
            None => return true,
        }
        false
    });
    outside.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_megabyte_of_output_is_cut_and_stays_a_page() {
    for line in ["x".repeat(1 << 20), "out | ``` <b>\n".repeat(80_000), "\u{1F525}".repeat(1 << 18)] {
        let page = page(&plain(|report| {
            report.findings.push(CONTENT.failed(&line).expected(&line).observed(&line));
            report.details.push(Detail { title: line.clone(), text: line.clone() });
            report.charts.push(Chart { title: "all".into(), lines: vec![line.clone(); 3] });
        }));
        assert!(page.len() < 2 * MAXIMUM_BYTES, "{} bytes", page.len());
    }
}

/// Texts of all kinds, hostile ones among them.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[ -~]{0,40}",
        1 => any::<String>(),
        1 => "[|`<>&\\\\#*_\\-~\\[\\] \n\r\t]{0,30}",
        1 => any::<Index>().prop_map(|index| (*index.get(&HOSTILE)).to_owned()),
    ]
}

type Found = (u8, String, String, String);

fn any_report() -> impl Strategy<Value = Report> {
    let findings = proptest::collection::vec((0_u8..7, any_text(), any_text(), any_text()), 0..12);
    let numbers = proptest::collection::vec((any_text(), any::<i32>(), any::<Option<bool>>()), 0..6);
    let texts = proptest::collection::vec(any_text(), 6);
    (findings, numbers, texts, any::<[bool; 5]>()).prop_map(|(findings, numbers, texts, has)| {
        plain(|report| {
            report.findings = findings.iter().map(finding).collect();
            report.measurements = numbers
                .iter()
                .map(|(name, value, objective)| {
                    let value = f64::from(*value) / 8.0;
                    let number = Measurement::new(name, Decimal::new(value, 3), "s").label("of", name);
                    match objective {
                        Some(true) => number.objective(Objective::AtMost(Decimal::new(value, 1))),
                        Some(false) => number.objective(Objective::AtLeast(Decimal::new(1.5, 1))),
                        None => number,
                    }
                })
                .collect();
            report.run.title.clone_from(&texts[0]);
            report.run.environment = if has[0] { Environment::Production } else { Environment::Local };
            report.run.owner = has[1].then(|| texts[1].clone());
            report.run.interrupted = has[2].then(|| texts[2].clone());
            report.run.commit = has[3].then(|| (texts[3].clone(), has[4]));
            report.run.command = vec![texts[4].clone(), texts[5].clone()];
            report.run.previous = has[4].then(|| "sha256:11".to_owned());
            if has[3] {
                report.details.push(Detail { title: texts[4].clone(), text: texts[2].clone() });
                report.charts.push(Chart { title: texts[5].clone(), lines: texts.clone() });
            }
        })
    })
}

fn finding((kind, subject, expected, observed): &Found) -> evidence_report::record::Finding {
    let finding = match kind {
        0 => CONTENT.passed(subject),
        1 => LIFETIME.passed(subject),
        2 => CONTENT.warned(subject),
        3 => LIFETIME.failed(subject),
        4 => ISOLATED.inconclusive(subject),
        5 => return ISOLATED.not_checked(Requirement::Required, subject, observed),
        _ => return ISOLATED.not_checked(Requirement::Optional, subject, observed),
    };
    finding.expected(expected).observed(observed)
}

const SIGNATURE: &str = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_rendered_reads_back_as_the_same_record(report in any_report(), notes in any_text(), signed in any::<bool>()) {
        let record = Record::of(&report);
        let signature = signed.then_some(SIGNATURE);
        // A mark of ours among the notes would be a second one.
        prop_assume!(!notes.contains("evidence-report"));
        let text = format!("{}\n{notes}", render_signed_v1(&record, signature));
        let document = read(&text).unwrap();
        prop_assert_eq!(&document.record, &record);
        prop_assert_eq!(document.notes, format!("\n{notes}"));
        prop_assert_eq!(document.signature.map(|signature| signature.text), signature.map(str::to_owned));
        prop_assert_eq!(verify(&text), Verification::Consistent(Box::new(record)));
    }

    #[test]
    fn any_changed_character_of_any_record_is_found_or_means_nothing(
        report in any_report(), position in any::<Index>(), new in any::<char>(), how in 0_u8..3,
    ) {
        let record = Record::of(&report);
        let text = render_v1(&record);
        let (at, old) = text.char_indices().nth(position.index(text.chars().count())).unwrap();
        let rest = &text[at + old.len_utf8()..];
        let changed = match how {
            0 => format!("{}{new}{rest}", &text[..at]),
            1 => format!("{}{rest}", &text[..at]),
            _ => format!("{}{new}{old}{rest}", &text[..at]),
        };
        prop_assume!(changed != text);
        match verify(&changed) {
            Verification::Altered(_) | Verification::Unverified(_) => {}
            Verification::Consistent(read) => {
                prop_assert_eq!(&*read, &record);
                prop_assert!(means_nothing(&text, &changed), "{old:?} {how} {new:?} at {at}");
            }
        }
    }
}

/// Whether two texts differ only in white space, in the dashes of a table's delimiter row, in the number of a
/// fence's backticks, or in what stands before the first byte of a text to mark its encoding.
fn means_nothing(one: &str, other: &str) -> bool {
    let bare = |text: &str| -> Vec<String> {
        let lines = text.trim_start_matches('\u{FEFF}').lines();
        let kept = lines.map(|line| {
            let line: String = line.chars().filter(|char| !char.is_whitespace()).collect();
            let only = |chars: &str| !line.is_empty() && line.chars().all(|char| chars.contains(char));
            let ticks = line.chars().take_while(|char| *char == '`').count();
            match ticks {
                _ if only("|-") => line.replace('-', ""),
                3.. => format!("```{}", &line[ticks..]),
                _ => line,
            }
        });
        kept.filter(|line| !line.is_empty()).collect()
    };
    bare(one).concat() == bare(other).concat()
}
