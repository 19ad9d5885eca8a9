//! What a dump carries of objects that it does not make: grants on members of extensions and on PostgreSQL's own, and
//! triggers of partitions that are enabled otherwise than their parent's.

use crate::{cluster::TestCluster, tool::Tool};

const HARDENED: &str = "CREATE EXTENSION hstore; REVOKE EXECUTE ON FUNCTION hstore_hash(hstore) FROM PUBLIC; \
    GRANT EXECUTE ON FUNCTION pg_stat_reset() TO watcher; REVOKE SELECT ON pg_roles FROM PUBLIC; \
    REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC; REVOKE USAGE ON LANGUAGE sql FROM PUBLIC; \
    CREATE TABLE shop.hours (at int) PARTITION BY RANGE (at); \
    CREATE TABLE shop.morning PARTITION OF shop.hours FOR VALUES FROM (0) TO (12); \
    CREATE FUNCTION shop.noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
    CREATE TRIGGER noted AFTER INSERT ON shop.hours FOR EACH ROW EXECUTE FUNCTION shop.noted(); \
    ALTER TABLE shop.morning DISABLE TRIGGER noted";

const SOFTENED: &str = "GRANT EXECUTE ON FUNCTION hstore_hash(hstore) TO PUBLIC; \
    REVOKE EXECUTE ON FUNCTION pg_stat_reset() FROM watcher; GRANT SELECT ON pg_roles TO PUBLIC; \
    GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC; ALTER TABLE shop.morning ENABLE TRIGGER noted";

#[test]
fn grants_on_what_a_dump_does_not_make_come_back_with_it_and_are_missed() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let shop = cluster.shop();
    cluster.sql("postgres", "CREATE ROLE watcher");
    cluster.sql(shop, HARDENED);
    let source = cluster.conninfo(shop);
    let healthy = tool.run(&["rehearse", "--source", &source]);
    healthy.assert_code(0);
    assert_eq!(healthy.finding("restore.grants").0, "passed", "{}", healthy.everything());
    let step = tool.file("step.sql", SOFTENED);
    let softened = tool.run(&["rehearse", "--source", &source, "--after-restore", step.to_str().unwrap()]);
    softened.assert_code(2);
    let mut named: Vec<_> =
        softened.findings("restore.grants").into_iter().map(|(_, what, _)| what).collect();
    named.sort();
    assert_eq!(
        named,
        [
            "function pg_catalog.pg_stat_reset()",
            "function public.hstore_hash(public.hstore)",
            "language plpgsql",
            "view pg_catalog.pg_roles"
        ],
        "{}",
        softened.everything()
    );
    let triggers = softened.findings("restore.schema");
    assert!(
        triggers.iter().any(|(_, what, said)| what == "table shop.morning" && said == "no trigger \"noted\""),
        "{triggers:?}"
    );
    tool.assert_nothing_left();
}
