//! The source of `--embedded`: a throw-away cluster with sample data that has something of everything that a
//! restore can lose. It proves that the tool and this machine can rehearse, and nothing about a real backup.

use evidence_report::run::Run;

use crate::{
    checks::ENVIRONMENT,
    connection::{QueryFailure, Resolved},
    halt::Halt,
    programs::Programs,
    scratch::{Cluster, ClusterSpec, Isolation, Place},
};

/// The database's name.
const DATABASE: &str = "embedded";

/// What one order and all that belongs to it takes on disk, about.
const BYTES_AN_ORDER: u64 = 690;

/// What an empty database and the small tables take, about.
const BYTES_ANYWAY: u64 = 9_000_000;

/// Names the cluster; nothing is made yet.
///
/// # Errors
/// An inconclusive finding when its socket's path would be too long.
pub(crate) fn cluster(place: &Place, programs: &Programs, isolation: &Isolation) -> Result<Cluster, Halt> {
    let spec = ClusterSpec { name: "source", superuser: "postgres".to_owned(), checksums: true };
    Cluster::new(place, spec, programs, isolation)
}

/// Makes the cluster and fills it with about so many bytes.
///
/// # Errors
/// An inconclusive finding, or that the run was asked to stop.
pub(crate) async fn fill(run: &Run, cluster: &mut Cluster, bytes: u64) -> Result<Resolved, Halt> {
    run.progress().phase("embedded source: initdb and start");
    cluster.initdb(run).await?;
    cluster.start(run).await?;
    run.progress().phase("embedded source: sample data");
    let refused = |failure: QueryFailure| match failure {
        QueryFailure::Stopped => Halt::Stopped,
        other => ENVIRONMENT.inconclusive("sample data").observed(other.to_string()).into(),
    };
    let administrator = cluster.administrator(run, "postgres").await?;
    administrator.query(run.stop(), &format!("CREATE DATABASE {DATABASE}")).await.map_err(refused)?;
    let session = cluster.administrator(run, DATABASE).await?;
    let orders = (bytes.saturating_sub(BYTES_ANYWAY) / BYTES_AN_ORDER).max(1000).to_string();
    let _growth = cluster.growth(run, Some(bytes));
    session
        .query(run.stop(), &include_str!("sample.sql").replace(":orders:", &orders))
        .await
        .map_err(refused)?;
    session.query(run.stop(), "VACUUM ANALYZE").await.map_err(refused)?;
    Ok(cluster.connection(DATABASE, cluster.superuser()))
}
