//! Every type that PostgreSQL brings along stands in a table that is rehearsed; a type that a new major version brings
//! makes this fail until it is added.

use std::path::Path;

use crate::{
    cluster::{TestCluster, bin_folder, bin_folder_of},
    tool::Tool,
};

/// What the hostile schema does not hold.
const FURTHER: &str = "CREATE TABLE shop.further_types (
    an_aclitem aclitem, a_bigmultirange int8multirange, a_nummultirange nummultirange, a_tsmultirange tsmultirange,
    a_tstzmultirange tstzmultirange, a_cursor refcursor, a_regcollation regcollation, a_regdictionary regdictionary,
    a_regnamespace regnamespace, a_regoper regoper, a_regoperator regoperator, a_regprocedure regprocedure,
    an_old_snapshot txid_snapshot, acls aclitem[], procedures regprocedure[]);
    INSERT INTO shop.further_types VALUES ('clerk=r*/postgres', '{[1,2),[9223372036854775806,)}', '{[1.0,2.00)}',
        '{[2024-01-01,2024-01-02)}', '{(,2024-01-01 00:00+00)}', 'a \"cursor\"', 'shop.plain', 'shop.simple_words', 'shop',
        'pg_catalog.|/', 'shop.>>>(shop.address,shop.address)', 'shop.add(integer,integer,integer[])', '10:20:10,14',
        '{clerk=r/postgres,NULL}', '{pg_catalog.now()}');
    INSERT INTO shop.further_types DEFAULT VALUES";

/// Those without an input: nobody can have a value of them.
const INTERNAL: &str = "gtsvector pg_brin_bloom_summary pg_brin_minmax_multi_summary pg_dependencies pg_mcv_list \
                        pg_ndistinct pg_node_tree";

const UNSEEN: &str = "SELECT string_agg(t.typname, ' ' ORDER BY t.typname COLLATE \"C\") FROM pg_type AS t
    WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'r', 'm') AND t.typcategory <> 'A'
    AND NOT EXISTS (SELECT FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
                    WHERE a.atttypid = t.oid AND c.relnamespace = 'shop'::regnamespace)";

#[test]
fn every_built_in_type_of_every_major_is_rehearsed() {
    let others = [17, 18].into_iter().filter_map(bin_folder_of);
    for cluster in others.chain([bin_folder()]).map(TestCluster::start_from) {
        let tool = Tool::new();
        cluster.sql("postgres", "CREATE DATABASE hostile TEMPLATE template0");
        cluster.file("hostile", &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/hostile.sql"));
        cluster.sql("hostile", FURTHER);
        assert_eq!(cluster.sql("hostile", UNSEEN), INTERNAL, "{}", cluster.bin().display());
        let (source, bin) = (cluster.conninfo("hostile"), cluster.bin().to_str().unwrap().to_owned());
        for method in ["dump", "base-backup"] {
            let ended = tool.run(&["rehearse", "--method", method, "--source", &source, "--pg-bin", &bin]);
            ended.assert_code(0);
            assert_eq!(ended.finding("restore.content").0, "passed", "{method}: {}", ended.everything());
            tool.assert_nothing_left();
        }
    }
}
