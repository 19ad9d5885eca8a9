//! `dashboard`, as its readers meet it: what the page says, what no tracker can make of it, and how a browser
//! draws it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use assert_cmd::cargo::cargo_bin;
use evidence_report::{
    document::render_v1,
    history::{Came, Chain},
    record::{Decimal, Verdict, v1::Record},
};

use crate::{fixture, place::write};

const TRACKER: &str = "# Track

## 1) Alerts
- Status: `done`
- Owner: `SRE`
- Target: `Before beta`
- Evidence:
  - Report: `doc/evidence/restore_report.md`, `doc/missing.md`
  - Certificates: `doc/evidence/certificates.md`

## 2) Cost & budget
- Status: `in_progress`
- Owner: `FinOps`
- Target: `Before beta`
- Evidence:
  - Pending: dashboard links.

## Launch Gating
- Public launch requires items 1-2 to be `done`.
";

/// A repository whose evidence has been made five times, the last time too slowly.
fn repository(tracker: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "doc/track.md", tracker);
    fs::create_dir(folder.path().join(".git")).unwrap();
    let mut chain = String::new();
    for (day, seconds) in [(19, "8.000"), (20, "9.500"), (21, "7.250"), (22, "9.000"), (23, "12.500")] {
        let record = record(day, seconds);
        let line = Chain::read(&chain).next(&record, "restore_report.md", Came::Accepted);
        chain += &(line.text() + "\n");
        write(folder.path(), "doc/evidence/restore_report.md", page(&record));
    }
    write(folder.path(), "doc/evidence/history/restore_report.jsonl", &chain);
    let mut certificates = Record::of(&fixture::report());
    certificates.tool.name = "cert-expiry-check".into();
    write(folder.path(), "doc/evidence/certificates.md", page(&certificates));
    folder
}

fn record(day: u32, seconds: &str) -> Record {
    let mut report = fixture::report();
    report.findings.retain(|finding| finding.outcome.verdict() == Some(Verdict::Passed));
    let mut record = Record::of(&report);
    record.tool.name = "backup-restore-smoke".into();
    record.finished = format!("2026-11-{day}T12:00:00Z");
    record.valid_until = "2999-01-01T00:00:00Z".into();
    for measurement in &mut record.measurements {
        if measurement.metric == "recovery_time_seconds" {
            measurement.value = Decimal::new(seconds.parse().unwrap(), 3);
            measurement.met = Some(measurement.value.to_f64() <= 10.0);
        }
    }
    record
}

fn page(record: &Record) -> String {
    render_v1(record) + "\n## Notes\n\n"
}

/// Makes the page, and gives it back with what was printed.
fn dashboard(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let base = tempfile::tempdir().unwrap();
    let mut command = Command::new(cargo_bin("evidence-report"));
    command.current_dir(folder).args(["dashboard", "doc/track.md"]).args(arguments);
    let output = command.env("OPS_SMOKE_RUN_BASE", base.path().join("b")).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    let page = fs::read_to_string(folder.join("page.html")).unwrap_or_default();
    (output.status.code().unwrap(), printed, page)
}

#[test]
fn the_page_says_what_stands_in_the_way_and_links_to_it() {
    let folder = repository(TRACKER);
    let (code, printed, page) = dashboard(folder.path(), &["-o", "page.html"]);
    assert_eq!((code, printed.as_str()), (0, "page.html: the launch gate is CLOSED, 3 in its way\n"));
    let expected = [
        "The launch gate is <strong>CLOSED</strong>",
        "done, and doc/missing.md: nothing there",
        "<a href=\"./doc/track.md\" title=\"doc/track.md, line 12\">item 2 (Cost &amp; budget)</a></b>: in_progress; pending: dashboard links",
        "<summary>1 thing pending</summary>",
        "<td data-label=\"Owner\">FinOps</td>",
        // The number leads to its evidence, and says that it is missed.
        "<b>Recovery time</b> <span class=\"chip\">staging</span>",
        "<a href=\"./doc/evidence/restore_report.md\">12.500</a> s <span class=\"chip bad\">missed</span>",
        "At most 10 s, missed in 1 of 5 runs",
        "aria-label=\"Recovery time: 12.500 s in the newest of 5 runs\"",
        "<td>1</td><td>2026-11-19T12:00:00Z</td><td>8.000</td>",
        // Certificates by their evidence.
        "<a href=\"./doc/evidence/certificates.md\">shop.example:443</a>",
        // The runs of a rehearsal are drills.
        "<td data-label=\"Finished\">2026-11-22 12:00:00</td>",
    ];
    for expected in expected {
        assert!(page.contains(expected), "missing: {expected}\n{page}");
    }
}

#[test]
fn links_may_lead_to_where_the_files_are_published() {
    let folder = repository(TRACKER);
    let base = "https://git.example/platform/blob/main";
    let (code, _, page) = dashboard(folder.path(), &["-o", "page.html", "--link-base", base]);
    assert_eq!(code, 0);
    assert!(page.contains("href=\"https://git.example/platform/blob/main/doc/track.md#L12\""), "{page}");
    for wrong in ["javascript:alert(1)", "https://", "ftp://x", "https://a b"] {
        let (code, printed, _) = dashboard(folder.path(), &["-o", "page.html", "--link-base", wrong]);
        assert_eq!(code, 3, "{wrong}: {printed}");
        assert!(printed.contains("is no address"), "{printed}");
    }
}

#[test]
fn the_page_asks_nothing_of_any_network_and_runs_nothing() {
    let folder = repository(TRACKER);
    let (_, _, page) = dashboard(folder.path(), &["-o", "page.html"]);
    assert!(page.contains("default-src &#39;none&#39;") || page.contains("default-src 'none'"), "{page}");
    for loading in ["<script", "<link", "<iframe", "<img", "url(", "@import", "http://", "https://", " on"] {
        let found = page.find(loading).map(|at| page[at..].chars().take(60).collect::<String>());
        // Words may begin with "on"; attributes that would run something end in an equals sign.
        let runs =
            found.filter(|found| loading != " on" || found[1..].split(' ').next().unwrap().contains('='));
        assert_eq!(runs, None, "{loading}");
    }
}

/// Everything that a user writes into a tracker or an evidence file, as bait.
fn hostile() -> String {
    let bait = "</title></style><script>alert(1)</script><img src=x onerror=alert(2)>\"' onload=alert(3) ";
    format!(
        "# Track\n\n## 1) {bait}\n- Status: `{bait}`\n- Owner: `{bait}`\n- Target: `{bait}`\n- Evidence:\n  - Report: `{bait}.md`, [x](javascript:alert(4))\n  - Certificates: `doc/evidence/certificates.md`\n  - Pending: {bait}\n\n## Launch Gating\n- Public launch requires items 1-1 to be `done`.\n"
    )
}

#[test]
fn nothing_that_a_tracker_says_becomes_markup() {
    let folder = repository(&hostile());
    let (code, printed, page) = dashboard(folder.path(), &["-o", "page.html"]);
    assert_eq!(code, 0, "{printed}");
    for broken in ["<script", "<img", "href=\"javascript:", "onerror=alert(2)>\"", "\" onload"] {
        assert!(!page.contains(broken), "{broken}:\n{page}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
    assert_eq!(page.matches("<title>").count(), 1);
    assert_eq!(page.matches("</style>").count(), 1);
}

#[test]
fn a_page_that_cannot_be_written_leaves_the_old_one() {
    let folder = repository(TRACKER);
    let (code, printed, _) = dashboard(folder.path(), &["-o", "doc/track.md/page.html"]);
    assert_eq!(code, 3, "{printed}");
    fs::write(folder.path().join("page.html"), "old").unwrap();
    fs::remove_file(folder.path().join("doc/track.md")).unwrap();
    let (code, printed, page) = dashboard(folder.path(), &["-o", "page.html"]);
    assert_eq!((code, page.as_str()), (3, "old"));
    assert!(printed.contains("reading the tracker doc/track.md"), "{printed}");
}

/// What a browser makes of the page: its DOM, or a picture.
#[expect(clippy::print_stderr, reason = "whoever reads the test's output shall know")]
fn chromium(page: &Path, arguments: &[&str]) -> Option<String> {
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new("chromium");
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--hide-scrollbars", "--disable-dev-shm-usage"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .stdout(Stdio::piped());
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("no chromium here ({error}): how the page is drawn was not looked at");
            return None;
        }
    };
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    // Its last children write into the profile for a moment longer.
    let deadline = Instant::now() + Duration::from_secs(20);
    while fs::remove_dir_all(profile.path()).is_err() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Width, height and the pixels in grey.
fn picture(path: &Path) -> (usize, usize, Vec<f64>) {
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut bytes).unwrap();
    let samples = frame.color_type.samples();
    let grey = |pixel: &[u8]| pixel.iter().take(3).map(|&byte| f64::from(byte)).sum::<f64>() / 3.0;
    let pixels = bytes[..frame.buffer_size()].chunks_exact(samples).map(grey).collect();
    (frame.width as usize, frame.height as usize, pixels)
}

fn mean(pixels: &[f64]) -> f64 {
    pixels.iter().sum::<f64>() / pixels.len() as f64
}

#[test]
fn a_browser_draws_it_light_dark_narrow_and_on_paper() {
    let folder = repository(TRACKER);
    dashboard(folder.path(), &["-o", "page.html"]);
    let page = folder.path().join("page.html");
    let shot = |name: &str, arguments: &[&str]| -> Option<PathBuf> {
        let path = folder.path().join(name);
        let screenshot = format!("--screenshot={}", path.display());
        let arguments: Vec<&str> = arguments.iter().copied().chain([screenshot.as_str()]).collect();
        chromium(&page, &arguments).map(|_| path)
    };
    let Some(light) = shot("light.png", &["--window-size=1200,1000"]) else { return };
    let dark =
        shot("dark.png", &["--window-size=1200,1000", "--blink-settings=preferredColorScheme=0"]).unwrap();
    let phone = shot("phone.png", &["--window-size=500,1600"]).unwrap();
    let (width, height, light) = picture(&light);
    assert_eq!((width, height), (1200, 1000));
    let (_, _, dark) = picture(&dark);
    assert!(mean(&light) > 200.0 && mean(&dark) < 90.0, "light {}, dark {}", mean(&light), mean(&dark));
    // On a narrow screen nothing is cut: the margin on the right is as empty as the one on the left.
    let (width, _, phone) = picture(&phone);
    for row in phone.chunks_exact(width) {
        let (left, right) = (&row[..8], &row[width - 8..]);
        assert!(left.iter().chain(right).all(|pixel| (pixel - left[0]).abs() < 1.0));
    }
    let paper = folder.path().join("page.pdf");
    chromium(&page, &[&format!("--print-to-pdf={}", paper.display())]).unwrap();
    assert!(fs::read(&paper).unwrap().starts_with(b"%PDF-"));
}

#[test]
fn a_browser_runs_nothing_of_a_hostile_tracker() {
    let folder = repository(&hostile());
    dashboard(folder.path(), &["-o", "page.html"]);
    let Some(dom) = chromium(&folder.path().join("page.html"), &["--dump-dom"]) else { return };
    assert!(dom.contains("The launch gate is <strong>CLOSED</strong>"), "{dom}");
    for element in ["<script", "<img", "<iframe", "<object"] {
        assert!(!dom.contains(element), "{element}:\n{dom}");
    }
}

#[test]
fn the_calendar_of_drills_shows_what_is_overdue_ahead_and_done() {
    let folder = repository(TRACKER);
    let calendar = "| Drill | Kind | Planned | Executed | Outcome |\n|---|---|---|---|---|\n| Old one | restore | 2026-06-01 | 2026-06-02 | 41 min |\n| Newer & one | tabletop | 2026-10-01 | 2026-10-01 | fine |\n| Forgotten | tabletop | 2026-11-20 | | |\n| Next week | restore | 2026-11-30 | – | |\n| Far | restore | 2027-03-01 | | |\n| Unreadable | restore | soon | | |\n";
    write(folder.path(), "doc/calendar.md", calendar);
    let policy = "items:\n  1:\n    rules:\n      - { rule: drills, file: doc/calendar.md }\n";
    write(folder.path(), "ops/tracker-policy.yaml", policy);
    let (code, _, page) = dashboard(folder.path(), &["-o", "page.html", "--as-of", "2026-11-27"]);
    assert_eq!(code, 0);
    let (_, after) = page.split_once("<h2 id=\"calendar\">Drill calendar</h2>").unwrap();
    let (calendar, _) = after.split_once("</section>").unwrap();
    let rows = [
        ("2026-11-20", "Forgotten", "bad\">overdue"),
        ("2026-11-30", "Next week", "soon\">in 3 days"),
        ("2027-03-01", "Far", "\">in 94 days"),
        ("2026-10-01", "Newer &amp; one", "good\">executed 2026-10-01"),
        ("2026-06-01", "Old one", "good\">executed 2026-06-02"),
    ];
    let shown: Vec<_> = calendar.split("<tr><td data-label=\"Planned\">").skip(1).collect();
    assert_eq!(shown.len(), rows.len(), "{calendar}");
    for (row, (planned, drill, standing)) in shown.iter().zip(rows) {
        assert!(row.starts_with(planned) && row.contains(drill) && row.contains(standing), "{row}");
    }
    assert!(calendar.contains("title=\"doc/calendar.md, line 5\">Forgotten</a>"), "{calendar}");
}

#[test]
fn items_and_remedies_are_named_once_many_are_folded_and_nothing_links_to_nothing() {
    let item = |number: u32| {
        format!(
            "## {number}) Thing {number}\n- Status: `done`\n- Owner: `SRE`\n- Target: `Soon`\n- Evidence:\n  - Report: `doc/gone-{number}.md`\n  - Pending: part {number}\n\n"
        )
    };
    let items: String = (1..=14).map(item).collect();
    let folder = repository(&format!("# Track\n\n{items}"));
    let gates =
        "gates:\n  beta:\n    - { items: 1-14, status: done }\n  later:\n    - { items: 1, status: done }\n";
    write(folder.path(), "ops/tracker-policy.yaml", gates);
    let (code, printed, page) = dashboard(folder.path(), &["-o", "page.html"]);
    assert_eq!(code, 0, "{printed}");
    // All verdicts stand above all reasons.
    let (verdicts, rest) = page.split_once("</nav>").unwrap();
    for gate in ["<a href=\"#gate-0\">", "<a href=\"#gate-1\">"] {
        assert!(verdicts.contains(gate), "{verdicts}");
    }
    let (beta, _) = rest.split_once("id=\"gate-1\"").unwrap();
    assert!(beta.contains("28 things stand in its way:"), "{beta}");
    assert_eq!(beta.matches("item 7 (Thing 7)").count(), 1, "{beta}");
    assert_eq!(beta.matches("Write the file, or correct the path in the tracker.").count(), 1, "{beta}");
    assert!(beta.contains("<summary>and 2 more</summary><ol start=\"13\">"), "{beta}");
    assert!(!page.contains("href=\"./doc/gone-1.md\""), "{page}");
    assert_eq!(page.matches("<h1").count(), 1, "{page}");
}
