//! The connection string and its surroundings count as they do for psql, also for pg_dump.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use crate::{
    cluster::TestCluster,
    tool::{Ended, Tool},
};

fn run_with(tool: &Tool, source: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command: Command = tool.command(&[&["rehearse"], source].concat());
    command.envs(variables.iter().copied());
    tool.finish(tool.start(command))
}

/// A server whose role `app` needs a password, over TCP.
fn with_password() -> (TestCluster, &'static str) {
    let cluster = TestCluster::start();
    let database = cluster.shop();
    cluster.sql(database, "CREATE ROLE app LOGIN PASSWORD 'hun:ter2' IN ROLE pg_read_all_data");
    (cluster, database)
}

fn write_private(tool: &Tool, name: &str, text: &str) -> String {
    let path = tool.file(name, text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

#[test]
fn a_service_file_and_a_password_file_are_found_by_our_client_and_by_pg_dump() {
    let ((cluster, database), tool) = (with_password(), Tool::new());
    let service = format!("[shop]\nhost=127.0.0.1\nport={}\nuser=app\ndbname={database}\n", cluster.port);
    write_private(&tool, ".pg_service.conf", &service);
    write_private(&tool, ".pgpass", &format!("127.0.0.1:{}:{database}:app:hun\\:ter2\n", cluster.port));
    let ended = run_with(&tool, &["--source", "service=shop"], &[]);
    ended.assert_code(0);
    assert!(!ended.everything().contains("ter2"), "the password was shown");
    let elsewhere = write_private(&tool, "services", &service.replace("[shop]", "[other]"));
    run_with(&tool, &["--source", ""], &[("PGSERVICE", "other"), ("PGSERVICEFILE", &elsewhere)])
        .assert_code(0);
}

#[test]
fn variables_and_uris_count_and_no_password_is_shown_anywhere() {
    let ((cluster, database), tool) = (with_password(), Tool::new());
    let port = cluster.port.to_string();
    let variables = [
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", port.as_str()),
        ("PGUSER", "app"),
        ("PGPASSWORD", "hun:ter2"),
        ("PGDATABASE", database),
    ];
    run_with(&tool, &["--source", ""], &variables).assert_code(0);
    let uri = format!("postgresql://app:hun%3Ater2@127.0.0.1:{port}/{database}?connect_timeout=5");
    let ended = run_with(&tool, &["--source", &uri], &[]);
    ended.assert_code(0);
    let evidence = fs::read_to_string(tool.path("evidence.md")).unwrap();
    for secret in ["hun:ter2", "hun%3Ater2"] {
        assert!(!ended.everything().contains(secret) && !evidence.contains(secret), "{secret} was shown");
    }
}

#[test]
fn no_password_stands_in_an_argument_list_while_pg_dump_runs() {
    let ((cluster, database), tool) = (with_password(), Tool::new());
    cluster.sql(database, "CREATE TABLE shop.large AS SELECT i, repeat(md5(i::text), 300) AS t FROM generate_series(1, 2000) AS i");
    let variables = [("PGPASSWORD", "hun:ter2")];
    let source = format!("host=127.0.0.1 port={} user=app dbname={database}", cluster.port);
    let mut command = tool.command(&["rehearse", "--source", &source]);
    command.envs(variables);
    let child = tool.start(command);
    tool.wait_for("dump: pg_dump");
    let mut seen = Vec::new();
    crate::tool::until("pg_dump's argument list", || {
        seen = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
            .filter(|arguments| {
                arguments.contains("pg_dump") && arguments.contains(&tool.base().display().to_string())
            })
            .collect();
        !seen.is_empty()
    });
    assert!(
        seen.iter().all(|arguments| !arguments.contains("ter2") && arguments.contains("service=")),
        "{seen:?}"
    );
    tool.finish(child).assert_code(0);
}

#[test]
fn a_password_file_that_others_may_read_is_not_used() {
    let ((cluster, database), tool) = (with_password(), Tool::new());
    let path = tool.file(".pgpass", "*:*:*:*:hun\\:ter2\n");
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    let source = format!("host=127.0.0.1 port={} user=app dbname={database}", cluster.port);
    let ended = run_with(&tool, &["--source", &source], &[]);
    ended.assert_code(2);
    assert!(ended.stderr.contains("chmod 600"), "{}", ended.stderr);
    assert!(ended.finding("source.readable").2.contains("password"), "{}", ended.everything());
}

#[test]
fn a_wrong_password_and_a_dead_server_fail_by_name() {
    let ((cluster, database), tool) = (with_password(), Tool::new());
    let source = format!("host=127.0.0.1 port={} user=app dbname={database}", cluster.port);
    let ended = run_with(&tool, &["--source", &source], &[("PGPASSWORD", "wrong")]);
    ended.assert_code(2);
    assert!(ended.finding("source.readable").2.contains("28P01"), "{}", ended.everything());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ended = run_with(&tool, &["--source", &format!("host=127.0.0.1 port={port}")], &[]);
    ended.assert_code(2);
    assert!(ended.finding("source.readable").2.contains("refused"), "{}", ended.everything());
}

#[test]
fn of_several_hosts_the_first_that_answers_is_taken_for_all_sessions() {
    let ((cluster, database), tool) = (with_password(), Tool::new());
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let source = format!(
        "host=127.0.0.1,{} port={dead},{} user=postgres dbname={database}",
        cluster.folder().display(),
        cluster.port
    );
    let ended = run_with(&tool, &["--source", &source], &[]);
    ended.assert_code(0);
    assert!(ended.report["facts"].to_string().contains(&format!(":{}", cluster.port)));
}

#[test]
fn tls_is_verified_as_far_as_sslmode_says() {
    let authority = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "test authority");
    let root = parameters.self_signed(&authority).unwrap();
    let issuer = rcgen::Issuer::new(parameters, &authority);
    let key = rcgen::KeyPair::generate().unwrap();
    let named_otherwise = rcgen::CertificateParams::new(vec!["db.example.test".to_owned()]).unwrap();
    let certificate = named_otherwise.signed_by(&key, &issuer).unwrap();
    let prepare = |data: &std::path::Path| {
        fs::write(data.join("server.crt"), certificate.pem()).unwrap();
        fs::write(data.join("root.crt"), root.pem()).unwrap();
        fs::write(data.join("server.key"), key.serialize_pem()).unwrap();
        fs::set_permissions(data.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
        if Command::new("stat").args(["-c", "%U"]).arg(data).output().unwrap().stdout == b"postgres\n" {
            let _ = Command::new("chown")
                .arg("postgres:")
                .args(["server.crt", "server.key", "root.crt"].map(|name| data.join(name)))
                .status();
        }
    };
    let rules = "local all all trust\nhostssl all by_certificate 127.0.0.1/32 cert\nhostssl all all 127.0.0.1/32 trust\n";
    let cluster = TestCluster::start_with(&["ssl=on", "ssl_ca_file=root.crt"], rules, prepare);
    let (database, tool) = (cluster.shop(), Tool::new());
    let trusted = tool.file("root.pem", &root.pem()).display().to_string();
    let other = rcgen::generate_simple_self_signed(vec!["other".to_owned()]).unwrap();
    let untrusted = tool.file("other.pem", &other.cert.pem()).display().to_string();
    let source =
        |rest: &str| format!("host=127.0.0.1 port={} user=postgres dbname={database} {rest}", cluster.port);
    cluster.sql(database, "CREATE ROLE by_certificate LOGIN IN ROLE pg_read_all_data");
    let client_key = rcgen::KeyPair::generate().unwrap();
    let mut client = rcgen::CertificateParams::default();
    client.distinguished_name = rcgen::DistinguishedName::new();
    client.distinguished_name.push(rcgen::DnType::CommonName, "by_certificate");
    let client_certificate = client.signed_by(&client_key, &issuer).unwrap();
    let mine = tool.file("client.pem", &client_certificate.pem()).display().to_string();
    let my_key = write_private(&tool, "client.key", &client_key.serialize_pem());
    let by_name =
        |rest: &str| source(rest).replace("host=127.0.0.1", "host=db.example.test hostaddr=127.0.0.1");
    for (settings, code) in [
        (source("sslmode=disable"), 2),
        (source("sslmode=require"), 0),
        (source("sslmode=prefer"), 0),
        (source(&format!("sslmode=require sslrootcert={untrusted}")), 2),
        (source(&format!("sslmode=verify-ca sslrootcert={trusted}")), 0),
        (source(&format!("sslmode=verify-ca sslrootcert={untrusted}")), 2),
        (source(&format!("sslmode=verify-full sslrootcert={trusted}")), 2),
        (by_name(&format!("sslmode=verify-full sslrootcert={trusted}")), 0),
        (source("sslmode=verify-full"), 3),
        (source("sslmode=require").replace("user=postgres", "user=by_certificate"), 2),
        (
            source(&format!("sslmode=require sslcert={mine} sslkey={my_key}"))
                .replace("user=postgres", "user=by_certificate"),
            0,
        ),
    ] {
        let ended = run_with(&tool, &["--jobs", "1", "--source", &settings], &[]);
        assert_eq!(ended.code, Some(code), "{settings}: {}", ended.everything());
    }
}
