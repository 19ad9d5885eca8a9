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
