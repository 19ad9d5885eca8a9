//! A log, an error page, an empty answer where the certificate should be.

use evidence_report::record::Outcome;

use crate::{
    checks::FILE_READABLE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "file that holds no certificate",
    proves: &FILE_READABLE,
    outcome: Outcome::Failed,
    says: "it is a web page",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_file("shop.pem", "<html>502 Bad Gateway</html>\n")
}
