//! The evidence page as GitHub shows it: through cmark-gfm, GitHub's own renderer of markdown. Whatever users wrote
//! is shown, and nothing of it becomes markup.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use evidence_report::{
    document::render_v1,
    record::{Chart, Detail, Report, v1::Record},
};

use crate::fixture;

fn html(markdown: &str) -> String {
    let mut renderer = Command::new("cmark-gfm");
    renderer.args(["--unsafe", "-e", "table", "-e", "tagfilter", "-e", "autolink", "-e", "strikethrough"]);
    let child = renderer.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("cmark-gfm: scripts/install-parts test installs it");
    let mut input = child.stdin.take().unwrap();
    let markdown = markdown.to_owned();
    let writer = std::thread::spawn(move || input.write_all(markdown.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn count(html: &str, tag: &str) -> usize {
    html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count()
}

/// Elements of the page, apart from those that every page has.
fn foreign(html: &str) -> Vec<&str> {
    const OURS: [&str; 20] = [
        "h1", "h2", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "pre", "code",
        "details", "summary", "!--", "h3", "em", "br",
    ];
    let names = html.split('<').skip(1).map(|rest| {
        let rest = rest.trim_start_matches('/');
        &rest[..rest.find(|char: char| char.is_whitespace() || char == '>').unwrap_or(rest.len())]
    });
    names.filter(|name| !OURS.contains(name)).collect()
}

/// GitHub makes a link of a bare address: it leads to just what it shows.
fn without_bare_links(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, link)) = rest.split_once("<a href=\"") {
        let (href, behind) = link.split_once("\">").unwrap();
        let (shown, behind) = behind.split_once("</a>").unwrap();
        let known = ["", "http://", "mailto:"].iter().any(|scheme| href == format!("{scheme}{shown}"));
        assert!(known, "a link to {href} shows {shown}");
        out.push_str(before);
        out.push_str(shown);
        rest = behind;
    }
    out + rest
}

fn shape(report: &Report) -> (String, [usize; 6]) {
    let page = without_bare_links(&html(&render_v1(&Record::of(report))));
    let numbers = ["h1", "h2", "table", "tr", "td", "details"].map(|tag| count(&page, tag));
    (page, numbers)
}

#[test]
fn the_page_has_its_tables_and_folds_and_nothing_else() {
    let (page, [titles, ..]) = shape(&fixture::report());
    assert_eq!(foreign(&page), Vec::<&str>::new());
    assert_eq!(titles, 1);
    assert_eq!(count(&page, "details"), page.matches("</details>").count());
    // Every row of the first table has five cells.
    let table = page.split("</table>").next().unwrap();
    for row in table.split("<tr>").skip(2) {
        assert_eq!(count(row, "td"), 5, "{row}");
    }
    let fence = page.split("<code class=\"language-evidence-report/v1\">").nth(1).unwrap();
    assert!(fence.starts_with("{\n"), "the record is shown as it is");
}

#[test]
fn no_string_of_a_users_changes_the_shape_of_the_page() {
    let with = |text: &str| {
        let mut report = fixture::report();
        report.run.title = format!("T{text}");
        report.run.owner = Some(format!("O{text}"));
        report.run.facts = vec![(format!("F{text}"), format!("V{text}"))];
        report.charts = vec![Chart { title: format!("C{text}"), lines: vec![format!("L{text}")] }];
        report.details = vec![Detail { title: format!("D{text}"), text: format!("X{text}") }];
        report
            .findings
            .push(fixture::CONTENT.failed(format!("S{text}")).expected(text).observed(text).remedy(text));
        report.sort();
        report
    };
    let (_, plain) = shape(&with(" plain words"));
    for hostile in [
        " | a | b |",
        " `code` ``` ~~~",
        "\n\n# heading\n\n- list\n",
        " <script>alert(1)</script><img src=x onerror=y>",
        " <!-- evidence-report:end v1 -->",
        " </details></table>",
        " **bold** _em_ ~~gone~~ [link](http://x.example) ![image](x)",
        " @everyone #1 https://x.example www.x.example a@b.example",
        " &lt;b&gt; &copy; \\| \\",
        " \u{202E}right to left\u{2066}",
        " 😀👩‍👩‍👧 é証",
        " $math$ [^1] [^1]: note",
        &" x".repeat(2_000),
    ] {
        let (page, numbers) = shape(&with(hostile));
        assert_eq!(numbers, plain, "{hostile}: {page}");
        let strange = foreign(&page);
        assert!(strange.is_empty(), "{hostile}: {strange:?}");
    }
}
