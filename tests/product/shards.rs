//! The pods of an Indexed Job share a list of servers, and their records come to one.

use serde_json::Value;
use testbed::tls_farm::{Authority, Behaviour, Farm, Lifetime};

use crate::programs::{run, tool};

#[test]
fn the_records_of_two_pods_come_to_one_that_says_what_is_missing() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let (farm, authority) = (Farm::start().unwrap(), Authority::new().unwrap());
    let serve =
        |lifetime| farm.open(Behaviour::Tls(authority.issue(&["127.0.0.1"], lifetime).unwrap())).unwrap();
    let mut stands: Vec<_> = (0..7).map(|_| serve(Lifetime::days_left(90, 60))).collect();
    stands.push(serve(Lifetime::expired(90, 3)));
    let targets: Vec<_> = stands.iter().map(|stand| stand.target()).collect();
    fs_err::write(folder.join("targets.txt"), targets.join("\n")).unwrap();
    fs_err::write(folder.join("ca.pem"), authority.root_pem()).unwrap();
    let pod = |index: &str| {
        let mut scan = tool("cert-expiry-check", folder);
        scan.args(["scan", "--targets", "targets.txt", "--roots", "ca.pem", "--shard", "index/2"]);
        scan.args(["--evidence", "none", "--quiet", "--format", &format!("json={index}.json")]);
        run(scan.env("JOB_COMPLETION_INDEX", index).current_dir(folder)).code.unwrap()
    };
    let codes = [pod("0"), pod("1")];
    assert!([[0, 2], [2, 0]].contains(&codes), "one of them has the expired one: {codes:?}");
    assert!(stands.iter().all(|stand| stand.connections() == 1), "each by one of them");

    let merge = |files: &[&str]| {
        let mut merge = tool("evidence-report", folder);
        run(merge
            .arg("merge")
            .args(files)
            .args(["--evidence", "none", "--format", "json"])
            .current_dir(folder))
    };
    let whole: Value = serde_json::from_str(&merge(&["0.json", "1.json"]).exits(2).stdout).unwrap();
    let of = |check: &str| {
        let counts = whole["counts"].as_array().unwrap();
        let count = counts.iter().find(|count| count["check"] == check).unwrap();
        (count["passed"].as_u64().unwrap(), count["failed"].as_u64().unwrap())
    };
    assert_eq!((of("tls.trust"), of("tls.handshake")), ((8, 0), (8, 0)));
    assert_eq!(of("tls.lifetime").1, 1, "{whole:#}");
    let sound = if codes[0] == 0 { "0.json" } else { "1.json" };
    let alone = merge(&[sound]).exits(3);
    assert!(alone.stdout.contains("none of the files is of this shard"), "one is no pass: {}", alone.stdout);
    assert!(merge(&["0.json", "0.json"]).exits(3).stderr.contains("are both of shard 1/2"));
}
