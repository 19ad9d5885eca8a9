//! Every output of one look, on things that have broken others: duplicates, namesakes, odd file names, bad
//! certificates.

use std::{
    collections::BTreeSet,
    io::Write,
    process::{Command, Stdio},
};

use testbed::tls_farm::{Authority, Behaviour, Farm, Identity, Lifetime};

use crate::support::{Bench, text};

/// `promtool check metrics`, which reads as Prometheus does and looks at names beside.
#[track_caller]
fn assert_prometheus_reads(exposition: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is part of Debian's prometheus: scripts/install-parts test");
    promtool.stdin.take().unwrap().write_all(exposition.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{exposition}");
}

/// The lines of a metric, each as its labels and its value.
fn samples<'t>(exposition: &'t str, metric: &str) -> Vec<(&'t str, &'t str)> {
    let lines = exposition.lines().filter_map(|line| line.strip_prefix(metric)?.strip_prefix('{'));
    lines.map(|line| line.rsplit_once("} ").unwrap()).collect()
}

#[track_caller]
fn value<'t>(exposition: &'t str, metric: &str, label: &str) -> &'t str {
    let found: Vec<_> =
        samples(exposition, metric).into_iter().filter(|(labels, _)| labels.contains(label)).collect();
    assert_eq!(found.len(), 1, "{metric} with {label} in\n{exposition}");
    found[0].1
}

#[test]
fn one_look_gives_every_output() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let authority = Authority::new().unwrap();
    let roots = bench.write("ca.pem", authority.root_pem());
    let issue = |lifetime| authority.issue(&["127.0.0.1"], lifetime).unwrap();
    let good = farm.open(Behaviour::Tls(issue(Lifetime::days_left(90, 60)))).unwrap();
    let bad = farm.open(Behaviour::Tls(issue(Lifetime::expired(90, 3)))).unwrap();
    let output = |name: &str| format!("{name}={}", text(&bench.path(name)));
    let formats = ["junit", "sarif", "nagios", "textfile", "ics"].map(output);
    let mut arguments = vec!["scan".to_owned(), good.target(), bad.target(), "--roots".to_owned(), roots];
    arguments.extend([
        "--evidence".to_owned(),
        text(&bench.evidence()),
        "--format".to_owned(),
        "text".to_owned(),
    ]);
    arguments.extend(formats.iter().flat_map(|format| ["--format".to_owned(), format.clone()]));
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let said = bench.run(&arguments);
    assert_eq!(said.status.code(), Some(2));
    assert_eq!(good.connections() + bad.connections(), 2, "one look");
    let read = |name: &str| std::fs::read_to_string(bench.path(name)).unwrap();

    let stdout = String::from_utf8_lossy(&said.stdout);
    let first = stdout.lines().next().unwrap();
    assert!(
        first.starts_with("FAILED: Certificate expiry report: 1 failed") && first.contains("; next expiry "),
        "{first}"
    );
    assert!(first.contains(&format!("({})", good.target())), "{first}");

    let nagios = read("nagios");
    let status = nagios.lines().next().unwrap();
    assert!(
        status.starts_with(&format!("cert-expiry-check CRITICAL: {}: expired ", bad.target())),
        "{status}"
    );
    assert!(status.contains(" | 'certificates_seen'=3"), "{status}");

    let sarif: serde_json::Value = serde_json::from_str(&read("sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"tls.lifetime".into(), &"error".into()));
    assert_eq!(result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], bad.target());

    let calendar = read("ics").replace("\r\n ", "");
    assert_eq!(calendar.matches("BEGIN:VEVENT").count(), 3, "{calendar}");
    assert!(calendar.contains(&format!("Served at {}", good.target())), "{calendar}");
    assert!(read("junit").contains("failures=\"1\""));

    let textfile = read("textfile");
    assert_prometheus_reads(&textfile);
    let of = |stand: &str| format!("instance=\"{stand}\"");
    assert_eq!(value(&textfile, "probe_success", &of(&good.target())), "1");
    assert_eq!(value(&textfile, "probe_success", &of(&bad.target())), "0");
    let end: i64 = value(&textfile, "probe_ssl_earliest_cert_expiry", &of(&bad.target())).parse().unwrap();
    let ago = jiff::Timestamp::now().as_second() - end;
    assert!(
        (3 * 86_400..3 * 86_400 + 3600).contains(&ago),
        "an expired certificate's end is told: {ago} s ago"
    );
    let expired: Vec<_> =
        samples(&textfile, "x509_cert_expired").into_iter().filter(|(_, value)| *value == "1").collect();
    assert!(matches!(expired.as_slice(), [(labels, _)] if labels.contains(&bad.target())), "{expired:?}");
}

#[test]
fn a_dead_endpoint_and_a_broken_file_are_told_too() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let (dead, _held) = farm.dead_port().unwrap();
    let whole = Identity::self_signed(&["a.example"], Lifetime::days_left(90, 60)).unwrap().pem();
    let mut lines: Vec<_> = whole.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let middle = lines.len() / 2;
    lines.truncate(middle);
    lines.push("-----END CERTIFICATE-----\n".to_owned());
    let broken = bench.write("broken.pem", format!("{whole}\n{}", lines.join("\n")));
    let textfile = text(&bench.path("out.prom"));
    let format = format!("textfile={textfile}");
    let noise = bench.write("noise.pem", b"\x00\x01noise");
    let nowhere = text(&bench.path("nowhere.pem"));
    let empty = r#"{"kind":"Secret","type":"kubernetes.io/tls","metadata":{"name":"tls","namespace":"shop"},"data":{"tls.crt":""}}"#;
    let objects = bench.write("objects.json", empty);
    let targets = [dead.to_string(), broken, noise.clone(), nowhere.clone()];
    let mut arguments = vec!["scan", "--kubernetes", &objects, "--evidence", "none", "--format", &format];
    arguments.extend(targets.iter().map(String::as_str));
    bench.run(&arguments);
    let textfile = std::fs::read_to_string(textfile).unwrap();
    assert_prometheus_reads(&textfile);
    assert_eq!(value(&textfile, "probe_success", &format!("instance=\"{dead}\"")), "0");
    let errors = samples(&textfile, "x509_cert_error");
    assert_eq!(errors.iter().map(|(_, value)| *value).collect::<BTreeSet<_>>(), ["0", "1"].into());
    let of_file = |path: &str| format!("filepath=\"{path}\"");
    for label in [of_file(&noise), of_file(&nowhere), "secret_name=\"tls\",secret_key=\"tls.crt\"".to_owned()]
    {
        assert_eq!(value(&textfile, "x509_cert_error", &label), "1", "{label}");
    }
}

/// The same certificate in two files, two files of one common name, two certificates that no label tells apart,
/// and a file name that would break every line it stands in.
#[test]
fn duplicates_and_odd_names_break_no_output() {
    let bench = Bench::new();
    let one = Identity::self_signed(&["same.example"], Lifetime::days_left(90, 60)).unwrap();
    let other = Identity::self_signed(&["same.example"], Lifetime::days_left(90, 50)).unwrap();
    bench.write("tls/a.pem", one.pem());
    bench.write("tls/b.pem", one.pem());
    bench.write("tls/c.pem", other.pem());
    bench.write("tls/twice.pem", format!("{}{}", one.pem(), one.pem()));
    bench.write("tls/odd \"quoted\" \\back | pipe \n line é.pem", other.pem());
    let formats = ["junit", "sarif", "nagios", "textfile", "ics", "github"];
    let mut arguments =
        vec!["scan".to_owned(), text(&bench.path("tls")), "--evidence".to_owned(), "none".to_owned()];
    for name in formats {
        arguments.extend(["--format".to_owned(), format!("{name}={}", text(&bench.path(name)))]);
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let said = bench.run(&arguments);
    assert_ne!(said.status.code(), Some(3), "{}", String::from_utf8_lossy(&said.stderr));
    let read = |name: &str| std::fs::read_to_string(bench.path(name)).unwrap();
    let textfile = read("textfile");
    assert_prometheus_reads(&textfile);
    let ends = samples(&textfile, "x509_cert_not_after");
    assert_eq!(ends.len(), 5, "a certificate that is twice in one file is told once: {ends:#?}");
    assert_eq!(ends.iter().map(|(labels, _)| labels).collect::<BTreeSet<_>>().len(), ends.len());
    assert_eq!(read("ics").matches("BEGIN:VEVENT").count(), 2, "one event a certificate");
    assert!(read("ics").replace("\r\n ", "").matches("In the file").count() >= 5);
    assert!(read("nagios").lines().next().unwrap().matches('|').count() == 1);
    serde_json::from_str::<serde_json::Value>(&read("sarif")).unwrap();
}
