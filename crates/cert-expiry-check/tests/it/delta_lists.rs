//! Delta lists, as OpenSSL writes them, alone and beside the list that they change.

use crate::{list_scopes, support::Bench};

/// A CA in a folder, and three servers that it certified; the serial numbers are 1000, 1001 and 1002.
pub(crate) struct Authority {
    pub(crate) bench: Bench,
    pub(crate) servers: [String; 3],
}

const CONFIGURATION: &str = "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\nserial = serial\nnew_certs_dir = .\n\
    certificate = ca.pem\nprivate_key = ca.key\ndefault_md = sha256\ndefault_days = 90\npolicy = any\n\
    x509_extensions = server\ncrlnumber = crlnumber\n[any]\ncommonName = supplied\n[base]\n[delta]\n2.5.29.27 = critical,DER:02:01:07\n\
    [elsewhere]\n2.5.29.28 = critical,DER:30:03:81:01:FF\n";

/// What stands in each server's certificate.
const SERVER: &str =
    "[server]\nbasicConstraints = CA:FALSE\ncrlDistributionPoints = URI:http://crl.example/3.crl\n";

impl Authority {
    pub(crate) fn new() -> Self {
        let bench = Bench::new();
        bench.write("ca.cnf", [CONFIGURATION, SERVER, list_scopes::SCOPES].concat());
        bench.write("index.txt", "");
        bench.write("serial", "1000");
        let own = Self { bench, servers: [0, 1, 2].map(|number| format!("server-{number}.pem")) };
        own.openssl("req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 900 -subj /CN=Delta_Root -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem");
        for server in &own.servers {
            own.openssl("req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=shop.example -keyout key -out csr");
            own.openssl(&format!("ca -config ca.cnf -batch -notext -in csr -out {server}"));
            own.bench.write("index.txt.attr", "unique_subject = no");
        }
        own
    }

    pub(crate) fn openssl(&self, words: &str) {
        let here = self.bench.path("").display().to_string();
        let output = std::process::Command::new("openssl").args(words.split(' ')).current_dir(here).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A list with this number, with these servers on it for these reasons.
    pub(crate) fn list(
        &self,
        name: &str,
        kind: &str,
        number: &str,
        revoked: &[(usize, &str)],
        validity: &str,
    ) -> String {
        let line = |server: usize| {
            let reason = revoked.iter().find(|(on, _)| *on == server).map(|(_, reason)| reason);
            let (state, date) =
                reason.map_or(("V", String::new()), |reason| ("R", format!("261101000000Z,{reason}")));
            format!("{state}\t360101000000Z\t{date}\t100{server}\tunknown\t/CN=shop.example\n")
        };
        self.bench.write("index.txt", [0, 1, 2].map(line).concat());
        self.bench.write("crlnumber", number);
        self.openssl(&format!("ca -config ca.cnf -gencrl -crlexts {kind} {validity} -out {name}"));
        self.bench.path(name).display().to_string()
    }

    /// What comes of each server by these lists.
    pub(crate) fn judged(&self, lists: &[&str]) -> [(String, String); 3] {
        let paths = self.servers.each_ref().map(|server| self.bench.path(server).display().to_string());
        let root = self.bench.path("ca.pem").display().to_string();
        let mut arguments: Vec<&str> = paths.iter().map(String::as_str).chain(["--roots", &root]).collect();
        arguments.push(&root);
        lists.iter().for_each(|list| arguments.extend(["--crl", list]));
        let outcome = self.bench.scan(&arguments);
        paths.map(|path| {
            let found = outcome.one("tls.revocation", &path);
            (found.outcome, found.observed)
        })
    }
}

pub(crate) const NOW: &str = "-crldays 7";
const ENDED: &str = "-crl_lastupdate 20260101000000Z -crl_nextupdate 20260201000000Z";

#[track_caller]
pub(crate) fn assert_came(came: &[(String, String); 3], expected: [(&str, &str); 3]) {
    for (index, ((outcome, observed), (wanted, words))) in came.iter().zip(expected).enumerate() {
        assert_eq!(outcome, wanted, "server {index}: {observed}");
        assert!(observed.contains(words), "server {index}: '{words}' is not in: {observed}");
    }
}

#[test]
fn a_delta_list_is_joined_to_the_list_that_it_changes() {
    let authority = Authority::new();
    let base =
        authority.list("base.crl", "base", "07", &[(0, "keyCompromise"), (1, "certificateHold")], ENDED);
    let delta = authority.list("delta.crl", "delta", "09", &[(1, "removeFromCRL"), (2, "superseded")], NOW);
    let joined = authority.judged(&[&base, &delta]);
    assert_came(
        &joined,
        [
            ("failed", "(key compromise), says the list of 'Delta_Root' in"),
            ("passed", "base.crl with the delta list in "),
            ("failed", "(superseded), says the "),
        ],
    );

    // Alone, a delta proves what it names, and nothing of what it does not.
    let why = "only what changed since the issuer's list number 7: name that list, or a later one, beside it with --crl";
    assert_came(
        &authority.judged(&[&delta]),
        [
            ("not_checked_optional", why),
            ("not_checked_optional", why),
            ("failed", "(superseded), says the delta list of 'Delta_Root'"),
        ],
    );
}

#[test]
fn a_delta_list_is_not_joined_to_what_it_does_not_change() {
    let authority = Authority::new();
    let delta = authority.list("delta.crl", "delta", "09", &[], NOW);
    let before = authority.list("before.crl", "base", "06", &[], ENDED);
    let after = authority.list("after.crl", "base", "0A", &[(0, "keyCompromise")], ENDED);
    let elsewhere = authority.list("elsewhere.crl", "elsewhere", "08", &[], ENDED);
    let none = authority.judged(&[&delta, &before, &after, &elsewhere]);
    assert_came(
        &none,
        [
            ("failed", "(key compromise)"),
            ("not_checked_optional", "the list ended"),
            ("not_checked_optional", "the list ended"),
        ],
    );
}
