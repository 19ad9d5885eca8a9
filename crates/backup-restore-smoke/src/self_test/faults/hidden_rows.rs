//! Row security hides rows from the role, and what is hidden would be missing.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_READABLE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "rows hidden by row security",
    proves: &SOURCE_READABLE,
    outcome: Outcome::Inconclusive,
    says: &["row-level security"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let role = bench.name("few");
    let hidden = "ALTER TABLE shop.prices ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON shop.prices USING (price < 5)";
    database.sql(&format!("CREATE ROLE {role} LOGIN IN ROLE pg_read_all_data; {hidden}")).await?;
    // Large objects are not among what that role may read.
    let readable = format!(
        "DO $$ DECLARE object oid; BEGIN FOR object IN SELECT oid FROM pg_largeobject_metadata LOOP \
         EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO {role}', object); END LOOP; END $$"
    );
    database.sql(&readable).await?;
    Ok(bench.rehearse(database.conninfo_as(&role)))
}
