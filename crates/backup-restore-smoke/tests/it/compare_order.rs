//! Two tables whose columns stand in another order: their digests say nothing of the rows, and the finding says so.

use crate::{cluster::TestCluster, tool::Tool};

#[test]
fn columns_in_another_order_are_named_where_their_digests_differ() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    for (database, columns) in [("one", "a int PRIMARY KEY, b text"), ("other", "b text, a int PRIMARY KEY")]
    {
        cluster.sql("postgres", &format!("CREATE DATABASE {database}"));
        cluster.sql(
            database,
            &format!(
                "CREATE TABLE t ({columns}); INSERT INTO t (a, b) VALUES (1, 'x'); CREATE TABLE u AS SELECT 1 AS a"
            ),
        );
    }
    cluster.sql("other", "UPDATE u SET a = 2");
    let ended = tool.run(&["compare", &cluster.conninfo("one"), &cluster.conninfo("other")]);
    ended.assert_code(2);
    let said = |subject: &str| {
        ended.findings("restore.content").into_iter().find(|finding| finding.1 == subject).unwrap().2
    };
    assert!(said("public.t").contains("columns stand in another order"), "{}", said("public.t"));
    assert!(!said("public.u").contains("another order"), "{}", said("public.u"));
    tool.assert_nothing_left();
}

#[test]
fn a_lost_table_is_said_before_its_comments_and_only_once() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    for database in ["one", "other"] {
        cluster.sql("postgres", &format!("CREATE DATABASE {database}"));
        cluster.sql(database, "CREATE TABLE u AS SELECT 1 AS a");
    }
    cluster.sql(
        "one",
        "CREATE TABLE t (a int); COMMENT ON TABLE t IS 'lost'; COMMENT ON COLUMN t.a IS 'lost too'; \
         COMMENT ON TABLE u IS 'a comment of its own'",
    );
    let ended = tool.run(&["compare", &cluster.conninfo("one"), &cluster.conninfo("other")]);
    ended.assert_code(2);
    let comments: Vec<_> = ended.findings("restore.comments").into_iter().map(|finding| finding.1).collect();
    assert_eq!(comments, ["comment on table public.u"]);
    assert!(ended.findings("restore.content").iter().any(|finding| finding.1 == "public.t"));
    tool.assert_nothing_left();
}
