SELECT @relkind(c), n.nspname, c.relname, NULL, 'index ' || @q(x.relname),
    concat_ws(' ', pg_get_indexdef(x.oid), CASE WHEN i.indisclustered THEN '(clustered)' END, CASE WHEN i.indisreplident THEN '(replica identity)' END,
        CASE WHEN NOT i.indisvalid THEN '(INVALID)' END, CASE WHEN NOT i.indisready THEN '(NOT READY)' END,
        (SELECT '(part of ' || @q(p.relname) || ')' FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent WHERE h.inhrelid = x.oid),
        (SELECT '(statistics ' || string_agg(a.attnum || ':' || a.attstattarget, ',' ORDER BY a.attnum) || ')' FROM pg_attribute a
            WHERE a.attrelid = x.oid AND coalesce(a.attstattarget, -1) <> -1)), 'v'
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND @user(n) AND @own(pg_class, c.oid);
