//! A service that answers, ports and WebSockets that are as they should be, and the ways in which they are not.

use evidence_report::record::{
    Check,
    Outcome::{self, Failed, Inconclusive, Warned},
};

use crate::{
    checks::{PROBE_HTTP, PROBE_LATENCY},
    probes::checks::{
        PROBE_BLOCKED, PROBE_CAPTURE, PROBE_CORRELATION, PROBE_ECHO, PROBE_NODES, PROBE_PHASE, PROBE_TCP,
        PROBE_WEBSOCKET,
    },
    self_test::fault::{Fault, Group, Lie, Setting, broken, json},
};

const CONFIG: &str = r#"timeout: 10s
http:
- name: api
  url: http://{server}/health
  status: 200
  body_contains: '"up"'
  json: [{path: '$.queues[*].lag', max: 10}]
  response_headers: {X-Release: '^\d+$'}
  latency: 9s
  phases: {first_byte: 9s}
  every_node: true
  nodes: 1
flows:
- name: order
  steps:
  - {name: login, url: 'http://{server}/login', capture: {token: {json: $.token}}}
  - name: place it
    url: http://{server}/order
    headers: {X-Token: '${token}', X-Correlation-Id: '${correlation_id}'}
    json: [{path: $.state, equals: accepted}]
  found_in:
  - {name: log, url: 'http://{server}/log?id=${correlation_id}', json: '$.entries[*]', within: 9s, every: 50ms}
tcp:
- {name: database, address: '{server}'}
- {name: ledger, address: '{silent}', expect: blocked, control: '{server}', timeout: 300ms}
websocket:
- {name: terminal, url: 'ws://{server}/shell', send: hello, expect_contains: hello}
- {name: terminal for nobody, url: 'ws://{server}/closed', refused: true}
"#;

pub(super) static SETTINGS: &[&Setting] = &[&SETTING];

static SETTING: Setting = Setting {
    group: Group::Run,
    title: "services, ports and WebSockets that are right",
    files: &[
        ("config.yml", CONFIG),
        ("health.json", r#"{"status":"up","queues":[{"lag":3},{"lag":0}]}"#),
        ("login.json", r#"{"token":"t0"}"#),
        ("order.json", r#"{"state":"accepted"}"#),
        ("log.json", r#"{"entries":["started","order {query} accepted"]}"#),
    ],
    served: &[
        json("/health", "health.json").with("X-Release: 7\r\n"),
        json("/login", "login.json"),
        json("/order", "order.json"),
        json("/log", "log.json"),
    ],
    words: &["--config", "{folder}/config.yml", "run"],
};

const fn fault(
    title: &'static str,
    breaks: &'static [(&'static str, &'static str, &'static str)],
    proves: &'static Check,
    outcome: Outcome,
    says: &'static str,
) -> Fault {
    broken(title, &SETTING, breaks, proves, outcome, says)
}

const C: &str = "config.yml";
/// The probe of the service is given up soon.
const SOON: &[(&str, &str, &str)] = &[(C, "  nodes: 1\n", "  nodes: 1\n  timeout: 300ms\n")];

pub(super) static FAULTS: &[Fault] = &[
    fault("a service that fails", &[], &PROBE_HTTP, Failed, "status 503")
        .lying(&[("/health", Lie::Status(503))]),
    fault(
        "a service that is gone",
        &[(C, "url: http://{server}/health", "url: http://{closed}/health")],
        &PROBE_HTTP,
        Failed,
        "refused",
    ),
    fault("a service that never answers", SOON, &PROBE_HTTP, Failed, "within 0.3 s")
        .lying(&[("/health", Lie::Silence)]),
    fault("a service that breaks off", &[], &PROBE_HTTP, Failed, "").lying(&[("/health", Lie::Cut)]),
    fault("a service that never ends", &[], &PROBE_HTTP, Failed, "longer than")
        .lying(&[("/health", Lie::Endless)]),
    fault("a login page instead of the service", &[], &PROBE_HTTP, Failed, "")
        .lying(&[("/health", Lie::Page)]),
    fault(
        "redirects in a circle",
        &[(C, "  nodes: 1\n", "  nodes: 1\n  follow_redirects: true\n")],
        &PROBE_HTTP,
        Failed,
        "redirects",
    )
    .lying(&[("/health", Lie::Loop)]),
    fault("a redirect that is not followed", &[], &PROBE_HTTP, Failed, "status 302")
        .lying(&[("/health", Lie::Loop)]),
    fault("a body that says down", &[("health.json", "up", "down")], &PROBE_HTTP, Failed, "status 200"),
    fault(
        "a number out of its bounds",
        &[("health.json", r#""lag":3"#, r#""lag":30"#)],
        &PROBE_HTTP,
        Failed,
        "lag",
    ),
    fault(
        "a number that stands twice",
        &[("health.json", r#""lag":3"#, r#""lag":9,"lag":3"#)],
        &PROBE_HTTP,
        Failed,
        "stands twice",
    ),
    fault(
        "a JSON path that leads nowhere",
        &[("health.json", "queues", "queue")],
        &PROBE_HTTP,
        Failed,
        "leads nowhere",
    ),
    fault("a header that is missing", &[], &PROBE_HTTP, Failed, "release")
        .lying(&[("/health", Lie::Headers("Content-Type: application/json\r\n"))]),
    fault("an answer that is late", &[(C, "latency: 9s", "latency: 100ms")], &PROBE_LATENCY, Failed, "")
        .lying(&[("/health", Lie::Late(200))]),
    fault(
        "a first byte that is late",
        &[(C, "first_byte: 9s", "first_byte: 100ms")],
        &PROBE_PHASE,
        Failed,
        "",
    )
    .lying(&[("/health", Lie::Late(200))]),
    fault("a name with too few nodes", &[(C, "nodes: 1", "nodes: 2")], &PROBE_NODES, Failed, "1"),
    fault("a login without its token", &[("login.json", "token", "tokens")], &PROBE_CAPTURE, Failed, ""),
    fault("an order that is refused", &[("order.json", "accepted", "refused")], &PROBE_HTTP, Failed, "state"),
    fault(
        "a correlation id that nobody logs",
        &[("log.json", "{query} ", ""), (C, "within: 9s", "within: 200ms")],
        &PROBE_CORRELATION,
        Failed,
        "",
    ),
    fault(
        "a port that is closed",
        &[(C, "database, address: '{server}'", "database, address: '{closed}'")],
        &PROBE_TCP,
        Failed,
        "refused",
    ),
    fault(
        "a port that a firewall drops",
        &[(C, "database, address: '{server}'", "database, address: '{silent}', timeout: 200ms")],
        &PROBE_TCP,
        Failed,
        "within 0.2 s",
    ),
    fault(
        "a blocked port that is open",
        &[(C, "ledger, address: '{silent}'", "ledger, address: 'localhost:{port}'")],
        &PROBE_BLOCKED,
        Failed,
        "open",
    ),
    fault(
        "a blocked port that only refuses",
        &[(C, "ledger, address: '{silent}'", "ledger, address: '{closed}'")],
        &PROBE_BLOCKED,
        Failed,
        "refused",
    ),
    fault(
        "a blocked port in a network that is down",
        &[(C, "control: '{server}'", "control: '{closed}'")],
        &PROBE_BLOCKED,
        Inconclusive,
        "control",
    ),
    fault("a WebSocket with a wrong key", &[], &PROBE_WEBSOCKET, Failed, "")
        .lying(&[("/shell", Lie::WrongKey)]),
    fault("a WebSocket that is a page", &[], &PROBE_WEBSOCKET, Failed, "status 200")
        .lying(&[("/shell", Lie::Page)]),
    fault(
        "a terminal that opens without a token",
        &[(C, "/closed', refused: true", "/shell', refused: true")],
        &PROBE_WEBSOCKET,
        Failed,
        "",
    ),
    fault(
        "a terminal that is refused at a wrong path",
        &[(C, "/closed', refused: true", "/clsoed', refused: true")],
        &PROBE_WEBSOCKET,
        Warned,
        "status 404",
    ),
    fault(
        "a gateway that passes nothing on",
        &[(C, "expect_contains: hello}", "expect_contains: hello, timeout: 300ms}")],
        &PROBE_ECHO,
        Failed,
        "within 0.3 s",
    )
    .lying(&[("/shell", Lie::Mute)]),
];
