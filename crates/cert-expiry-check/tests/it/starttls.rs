//! Ports that begin in plain text: every protocol against servers that play a script, good and bad.

use std::time::{Duration, Instant};

use testbed::tls_farm::{
    Authority, Behaviour, Farm, Lifetime,
    Line::{self, BeginTls, Close, FallSilent, Hear, Say, SayForEver},
    Stand,
};

use crate::support::{Bench, Outcome, eventually};

const LDAP_OK: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
const LDAP_NO: &[u8] = b"\x30\x16\x02\x01\x01\x78\x11\x0a\x01\x34\x04\x00\x04\x0aTLS is off";
const MYSQL: &[u8] =
    b"\x2d\0\0\0\x0a10.11.19-MariaDB\0\x2a\0\0\0abcdefgh\0\xfe\xff\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0";
const MYSQL_WITHOUT: &[u8] =
    b"\x2d\0\0\0\x0a10.11.19-MariaDB\0\x2a\0\0\0abcdefgh\0\xfe\xf7\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0";
const STREAM: &[u8] = b"<?xml version='1.0'?><stream:stream from='localhost' id='1' version='1.0'>";
const FEATURES: &[u8] =
    b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>";

/// A farm, an authority, and the roots for the scan.
struct Scene {
    bench: Bench,
    farm: Farm,
    authority: Authority,
    roots: String,
}

impl Scene {
    fn new() -> Self {
        let (bench, authority) = (Bench::new(), Authority::new().unwrap());
        let roots = bench.write("ca.pem", authority.root_pem());
        Self { bench, farm: Farm::start().unwrap(), authority, roots }
    }

    fn open(&self, script: &[Line]) -> Stand {
        let identity =
            self.authority.issue(&["localhost", "127.0.0.1"], Lifetime::days_left(90, 12)).unwrap();
        self.farm.open(Behaviour::Scripted(script.to_vec(), identity)).unwrap()
    }

    fn scan(&self, targets: &[String], more: &[&str]) -> Outcome {
        let mut arguments: Vec<&str> = targets.iter().map(String::as_str).collect();
        arguments.extend(["--roots", &self.roots]);
        arguments.extend(more);
        self.bench.scan(&arguments)
    }
}

/// A good server of each protocol.
fn good() -> Vec<(&'static str, Vec<Line>)> {
    let mail = |word: &'static [u8]| {
        vec![
            Say(b"220-localhost says\r\n220 welcome\r\n"),
            Hear(word),
            Say(b"250-localhost\r\n250-SIZE 1000\r\n"),
            Say(b"250-STARTTLS\r\n250 HELP\r\n"),
            Hear(b"STARTTLS\r\n"),
            Say(b"220 go\r\n"),
            BeginTls,
        ]
    };
    let stream = |namespace: &'static [u8]| {
        vec![
            Hear(namespace),
            Hear(b">"),
            Say(STREAM),
            Say(FEATURES),
            Hear(b"/>"),
            Say(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
            BeginTls,
        ]
    };
    vec![
        ("smtp", mail(b"EHLO [127.0.0.1]\r\n")),
        ("submission", mail(b"EHLO [127.0.0.1]\r\n")),
        ("lmtp", mail(b"LHLO [127.0.0.1]\r\n")),
        (
            "imap",
            vec![
                Say(b"* OK ready\r\n"),
                Hear(b"a1 CAPABILITY\r\n"),
                Say(b"* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK\r\n"),
                Hear(b"a2 STARTTLS\r\n"),
                Say(b"a2 OK begin\r\n"),
                BeginTls,
            ],
        ),
        (
            "pop3",
            vec![
                Say(b"+OK ready\r\n"),
                Hear(b"CAPA\r\n"),
                Say(b"+OK\r\nTOP\r\nSTLS\r\n.\r\n"),
                Hear(b"STLS\r\n"),
                Say(b"+OK begin\r\n"),
                BeginTls,
            ],
        ),
        (
            "sieve",
            vec![
                Say(b"\"IMPLEMENTATION\" \"x\"\r\n\"STARTTLS\"\r\nOK\r\n"),
                Hear(b"STARTTLS\r\n"),
                Say(b"OK\r\n"),
                BeginTls,
            ],
        ),
        (
            "ftp",
            vec![
                Say(b"220-Welcome\r\nto all\r\n220 ready\r\n"),
                Hear(b"AUTH TLS\r\n"),
                Say(b"234 go\r\n"),
                BeginTls,
            ],
        ),
        ("ldap", vec![Hear(b"1.3.6.1.4.1.1466.20037"), Say(LDAP_OK), BeginTls]),
        ("postgres", vec![Hear(&[0, 0, 0, 8, 4, 210, 22, 47]), Say(b"S"), BeginTls]),
        ("mysql", vec![Say(MYSQL), Hear(&[0; 23]), BeginTls]),
        ("xmpp", stream(b"jabber:client")),
        ("xmpp-server", stream(b"jabber:server")),
        (
            "nntp",
            vec![
                Say(b"200 news\r\n"),
                Hear(b"CAPABILITIES\r\n"),
                Say(b"101 list:\r\nSTARTTLS\r\n.\r\n"),
                Hear(b"STARTTLS\r\n"),
                Say(b"382 go\r\n"),
                BeginTls,
            ],
        ),
    ]
}

#[test]
fn behind_starttls_everything_comes_out_as_at_any_endpoint() {
    let scene = Scene::new();
    let stands: Vec<_> = good().into_iter().map(|(word, script)| (word, scene.open(&script))).collect();
    let targets: Vec<_> = stands.iter().map(|(word, stand)| format!("{word}://{}", stand.target())).collect();
    let outcome = scene.scan(&targets, &[]);
    assert_eq!(outcome.code, 1, "{:#?}", outcome.findings());
    for target in &targets {
        outcome.expect("tls.reachable", target, "passed", "answered");
        outcome.expect("starttls.offered", target, "passed", "");
        outcome.expect("tls.handshake", target, "passed", "TLS 1.3, 2 certificates");
        outcome.expect("tls.lifetime", target, "warned", "in 12 d");
        outcome.expect("tls.name", target, "passed", "covered by 127.0.0.1");
        outcome.expect("tls.trust", target, "passed", "over 1 intermediate to the root 'Farm Root CA'");
    }
    for (word, stand) in &stands {
        eventually(|| stand.handshakes() == 1);
        assert_eq!((stand.connections(), stand.application_bytes()), (1, 0), "{word}");
        let heard = stand.heard().to_lowercase();
        for forbidden in ["auth plain", "login", "mail from", "user ", "pass"] {
            assert!(!heard.contains(forbidden), "{word}: {heard}");
        }
    }
    scene.bench.assert_nothing_left();
}

#[test]
fn each_way_of_not_turning_tls_on_has_words_and_a_goodbye() {
    let scene = Scene::new();
    let offer: [Line; 4] = [
        Say(b"220 hi\r\n"),
        Hear(b"EHLO [127.0.0.1]\r\n"),
        Say(b"250-hi\r\n250 STARTTLS\r\n"),
        Hear(b"STARTTLS\r\n"),
    ];
    let after = |last: &[Line]| [&offer, last].concat();
    let table: Vec<(&str, Vec<Line>, &str, &str)> = vec![
        (
            "smtp",
            vec![Say(b"220 hi\r\n"), Hear(b"\r\n"), Say(b"250-hi\r\n250 SIZE\r\n")],
            "it does not offer TLS",
            "QUIT\r\n",
        ),
        (
            "smtp",
            vec![Say(b"220 hi\r\n"), Hear(b"\r\n"), Say(b"502 EHLO? No\r\n")],
            "it does not offer TLS: \"502 EHLO? No\"",
            "QUIT\r\n",
        ),
        (
            "smtp",
            vec![Say(b"554 5.7.1 we do\x1b[2J not know you\r\n")],
            "it refused the connection: \"554 5.7.1 we do\\u{1b}[2J not know you\"",
            "QUIT\r\n",
        ),
        (
            "smtp",
            after(&[Say(b"454 4.7.0 TLS not available\r\n")]),
            "it refused STARTTLS: \"454 4.7.0 TLS not available\"",
            "QUIT\r\n",
        ),
        ("smtp", after(&[Close]), "closed the connection instead of its answer to STARTTLS", ""),
        ("smtp", after(&[FallSilent]), "its answer to STARTTLS did not come to its end within 1 s", ""),
        (
            "smtp",
            after(&[Say(b"220 go\r\n250 2.1.0 sender ok\r\n")]),
            "sent plain text where only TLS may follow: something else (\"250 2.1.0 sender ok\")",
            "",
        ),
        ("smtp", vec![Close], "closed the connection instead of its greeting", ""),
        ("smtp", vec![FallSilent], "accepted the connection, then said nothing for 1 s", ""),
        ("smtp", vec![SayForEver(b"220-welcome\r\n")], "it said more than 16 KiB", ""),
        ("smtp", vec![Say(b"* OK IMAP here\r\n")], "it speaks IMAP without TLS", ""),
        ("smtp", vec![Say(b"220"), FallSilent], "its greeting did not come to its end within 1 s", ""),
        (
            "imap",
            vec![Say(b"* OK hi\r\n"), Hear(b"\r\n"), Say(b"* CAPABILITY IMAP4rev1\r\na1 OK\r\n")],
            "it does not offer TLS",
            "a3 LOGOUT\r\n",
        ),
        (
            "imap",
            vec![Say(b"* BYE too many connections\r\n")],
            "it refused the connection: \"* BYE too many connections\"",
            "a3 LOGOUT\r\n",
        ),
        (
            "imap",
            vec![
                Say(b"* OK [CAPABILITY STARTTLS] hi\r\n"),
                Hear(b"\r\n"),
                Say(b"a2 OK\r\n* OK you are in\r\n"),
            ],
            "where only TLS may follow",
            "",
        ),
        (
            "pop3",
            vec![Say(b"+OK\r\n"), Hear(b"\r\n"), Say(b"-ERR\r\n"), Hear(b"\r\n"), Say(b"-ERR unknown\r\n")],
            "it does not offer TLS: \"-ERR unknown\"",
            "QUIT\r\n",
        ),
        (
            "ftp",
            vec![Say(b"220 hi\r\n"), Hear(b"\r\n"), Say(b"500 AUTH not understood\r\n")],
            "it does not offer TLS: \"500 AUTH not understood\"",
            "QUIT\r\n",
        ),
        (
            "ldap",
            vec![Hear(b"20037"), Say(LDAP_NO)],
            "it refused StartTLS: \"unavailable (52) TLS is off\"",
            "B",
        ),
        ("postgres", vec![Hear(&[22, 47]), Say(b"N")], "it does not offer TLS", ""),
        ("postgres", vec![Hear(&[22, 47]), Say(b"SS")], "where only TLS may follow", ""),
        (
            "postgres",
            vec![Hear(&[22, 47]), Say(b"E\0\0\0\x11MNo such luck\0\0")],
            "it refused the SSL request: \"No such luck\"",
            "",
        ),
        ("mysql", vec![Say(MYSQL_WITHOUT)], "it does not offer TLS", ""),
        (
            "mysql",
            vec![Say(b"\x20\0\0\0\xff\x69\x04Host 'x' is blocked because of")],
            "it refused the connection: \"error 1129: Host 'x' is blocked because o\"",
            "",
        ),
        (
            "xmpp",
            vec![
                Hear(b">"),
                Hear(b">"),
                Say(STREAM),
                Say(b"<stream:error><host-unknown xmlns='u'/></stream:error>"),
            ],
            "it does not know itself as 127.0.0.1",
            "</stream:stream>",
        ),
        (
            "xmpp",
            vec![
                Hear(b">"),
                Hear(b">"),
                Say(STREAM),
                Say(FEATURES),
                Hear(b"/>"),
                Say(b"<failure xmlns='u'/></stream:stream>"),
            ],
            "it refused STARTTLS: \"failure\"",
            "</stream:stream>",
        ),
        (
            "nntp",
            vec![Say(b"200 hi\r\n"), Hear(b"\r\n"), Say(b"101 list:\r\nREADER\r\n.\r\n")],
            "it does not offer TLS",
            "QUIT\r\n",
        ),
        ("sieve", vec![Say(b"\"SIEVE\" \"\"\r\nOK\r\n")], "it does not offer TLS", "LOGOUT\r\n"),
    ];
    let stands: Vec<_> = table.iter().map(|(word, script, ..)| (*word, scene.open(script))).collect();
    let targets: Vec<_> = stands.iter().map(|(word, stand)| format!("{word}://{}", stand.target())).collect();
    let began = Instant::now();
    let outcome = scene.scan(&targets, &["--handshake-timeout", "1s"]);
    assert!(began.elapsed() < Duration::from_secs(8), "they were not looked at side by side");
    assert_eq!(outcome.code, 2);
    for (((_, _, words, goodbye), target), (_, stand)) in table.iter().zip(&targets).zip(&stands) {
        outcome.expect("starttls.offered", target, "failed", words);
        let found: Vec<_> = outcome.findings().into_iter().filter(|found| found.subject == *target).collect();
        assert_eq!(found.len(), 2, "without TLS nothing more is judged: {found:#?}");
        eventually(|| stand.heard().contains(goodbye));
        assert_eq!(stand.connections(), 1, "{target}");
    }
}

/// Each protocol, cut off before each word of the server, within it, and before TLS.
#[test]
fn whoever_hangs_up_in_the_middle_is_told_of_in_every_protocol() {
    let scene = Scene::new();
    let mut cuts: Vec<(&str, Vec<Line>, &str)> = Vec::new();
    for (word, script) in good() {
        for (place, line) in script.iter().enumerate() {
            let before = &script[..place];
            match *line {
                Say(words) => {
                    let half = Say(&words[..words.len() / 2]);
                    cuts.push((word, [before, &[Close]].concat(), "starttls.offered"));
                    cuts.push((word, [before, &[half, Close]].concat(), "starttls.offered"));
                }
                BeginTls => cuts.push((word, [before, &[Close]].concat(), "tls.handshake")),
                _ => {}
            }
        }
    }
    let stands: Vec<_> = cuts.iter().map(|(word, script, _)| (*word, scene.open(script))).collect();
    let targets: Vec<_> = stands.iter().map(|(word, stand)| format!("{word}://{}", stand.target())).collect();
    let outcome = scene.scan(&targets, &[]);
    assert_eq!(outcome.code, 2);
    for ((_, script, check), target) in cuts.iter().zip(&targets) {
        let found = outcome.one(check, target);
        assert_eq!(found.outcome, "failed", "{script:?}: {found:#?}");
        assert!(found.observed.contains("closed the connection"), "{script:?}: {found:#?}");
        assert!(!found.remedy.is_empty(), "{script:?}: {found:#?}");
    }
}

#[test]
fn tls_that_breaks_behind_starttls_is_a_fault_of_the_handshake() {
    let scene = Scene::new();
    let agreed = [Hear(&[22, 47]), Say(b"S"), Hear(b"\x16\x03"), Say(b"oh, no\r\n"), Close];
    let stand = scene.open(&agreed);
    let target = format!("postgres://{}", stand.target());
    let outcome = scene.scan(std::slice::from_ref(&target), &[]);
    outcome.expect("starttls.offered", &target, "passed", "");
    outcome.expect(
        "tls.handshake",
        &target,
        "failed",
        "agreed to turn TLS on, and then went on in plain text",
    );
}

#[test]
fn no_request_is_sent_behind_starttls_even_where_requests_are_asked_for() {
    let scene = Scene::new();
    let identity = scene.authority.issue(&["127.0.0.1"], Lifetime::days_left(90, 60)).unwrap();
    let script = vec![Hear(&[22, 47]), Say(b"S"), BeginTls];
    let stand = scene.farm.open(Behaviour::ScriptedAsking(script, identity)).unwrap();
    let target = format!("postgres://{}", stand.target());
    let outcome = scene.scan(std::slice::from_ref(&target), &["--ask-http"]);
    outcome.expect("tls.handshake", &target, "passed", "asks for a client certificate");
    eventually(|| stand.handshakes() == 1);
    assert_eq!(stand.application_bytes(), 0);
}

#[test]
fn who_names_the_wrong_word_is_told_the_right_one() {
    let scene = Scene::new();
    let greeting = scene.open(&[Say(b"220 mail ESMTP\r\n"), FallSilent]);
    let tls = scene.open(&[BeginTls]);
    let plain = greeting.target();
    let (imap, postgres) = (format!("imap://{plain}"), format!("postgres://{}", tls.target()));
    let outcome =
        scene.scan(&[plain.clone(), imap.clone(), postgres.clone()], &["--handshake-timeout", "2s"]);
    let remedy = |check: &str, subject: &str| outcome.one(check, subject).remedy;
    assert!(
        remedy("tls.handshake", &plain).contains(&format!("smtp://{plain}")),
        "{:#?}",
        outcome.findings()
    );
    assert!(
        remedy("starttls.offered", &imap).contains(&format!("smtp://{plain}")),
        "{:#?}",
        outcome.findings()
    );
    outcome.expect("starttls.offered", &postgres, "failed", "it speaks TLS from the start");
    assert!(remedy("starttls.offered", &postgres).contains(&format!("tls://{}", tls.target())));
}

#[test]
fn the_place_to_connect_may_be_another_than_the_name() {
    let scene = Scene::new();
    let scripts = good();
    let (_, script) = scripts.iter().find(|(word, _)| *word == "smtp").unwrap();
    let identity = scene.authority.issue(&["mail.example"], Lifetime::days_left(90, 60)).unwrap();
    let smtp = scene.farm.open(Behaviour::Scripted(script.clone(), identity)).unwrap();
    let identity = scene.authority.issue(&["shop.example"], Lifetime::days_left(90, 60)).unwrap();
    let same = identity.with_chain(identity.chain.clone());
    let tls = scene.farm.open(Behaviour::Tls(identity)).unwrap();
    let six = scene.farm.open_on("::1".parse().unwrap(), Behaviour::Tls(same)).unwrap();
    let targets = [
        format!("smtp://mail.example:25@{}", smtp.target()),
        format!("shop.example:443@{}", tls.target()),
        format!("shop.example@{}", six.target()),
        format!("shop.example:{}@127.0.0.1", tls.address.port()),
    ];
    let outcome = scene.scan(&targets, &[]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    for (subject, name) in [
        (format!("smtp://mail.example:25 at {}", smtp.target()), "mail.example"),
        (format!("shop.example:443 at {}", tls.target()), "shop.example"),
        (format!("shop.example:443 at {}", six.target()), "shop.example"),
        (format!("shop.example:{} at 127.0.0.1", tls.address.port()), "shop.example"),
    ] {
        outcome.expect("tls.name", &subject, "passed", &format!("covered by {name}"));
    }
    assert_eq!(smtp.server_names(), [Some("mail.example".to_owned())]);
    let named = scene.scan(&targets[1..2], &["--sni", "other.example"]);
    let subject = format!("shop.example:443 at {} as other.example", tls.target());
    named.expect("tls.name", &subject, "failed", "good for shop.example");
}
