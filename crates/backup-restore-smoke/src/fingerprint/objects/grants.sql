-- Owners, and what every access list grants beyond the default of its kind (+) or takes away from it (-).
WITH listed AS (
    SELECT @relkind(c) AS kind, n.nspname AS schema, c.relname AS name, NULL AS extra, '' AS part, c.relowner AS owner, c.relacl AS acl,
        CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END AS letter
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't' AND @user(n) AND @own(pg_class, c.oid)
    UNION ALL
    SELECT 'schema', NULL, n.nspname, NULL, '', n.nspowner, n.nspacl, 'n' FROM pg_namespace n WHERE @user(n) AND @own(pg_namespace, n.oid)
    UNION ALL
    SELECT CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' ELSE 'function' END, n.nspname, p.proname,
        '(' || pg_get_function_identity_arguments(p.oid) || ')', '', p.proowner, p.proacl, 'f'
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE @user(n) AND @own(pg_proc, p.oid)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
    UNION ALL
    SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, n.nspname, t.typname, NULL, '', t.typowner, t.typacl, 'T'
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typtype IN ('b', 'd', 'e', 'r', 'c') AND @user(n) AND @own(pg_type, t.oid)
      AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
      AND (t.typrelid = 0 OR (SELECT c.relkind FROM pg_class c WHERE c.oid = t.typrelid) = 'c')
    UNION ALL
    SELECT 'language', NULL, l.lanname, NULL, '', l.lanowner, l.lanacl, 'l' FROM pg_language l WHERE l.oid >= 16384 AND @own(pg_language, l.oid)
    UNION ALL
    SELECT 'foreign-data wrapper', NULL, w.fdwname, NULL, '', w.fdwowner, w.fdwacl, 'F' FROM pg_foreign_data_wrapper w WHERE @own(pg_foreign_data_wrapper, w.oid)
    UNION ALL
    SELECT 'foreign server', NULL, s.srvname, NULL, '', s.srvowner, s.srvacl, 'S' FROM pg_foreign_server s WHERE @own(pg_foreign_server, s.oid)
    UNION ALL
    SELECT 'publication', NULL, p.pubname, NULL, '', p.pubowner, NULL, NULL FROM pg_publication p WHERE @own(pg_publication, p.oid)
    UNION ALL
    SELECT 'event trigger', NULL, e.evtname, NULL, '', e.evtowner, NULL, NULL FROM pg_event_trigger e WHERE @own(pg_event_trigger, e.oid)
    UNION ALL
    SELECT 'operator', n.nspname, o.oprname, '(' || format_type(o.oprleft, NULL) || ', ' || format_type(o.oprright, NULL) || ')', '', o.oprowner, NULL, NULL
    FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE @user(n) AND @own(pg_operator, o.oid)
    UNION ALL
    SELECT 'operator family', n.nspname, f.opfname, ' using ' || (SELECT amname FROM pg_am m WHERE m.oid = f.opfmethod), '', f.opfowner, NULL, NULL
    FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace WHERE @user(n) AND @own(pg_opfamily, f.oid)
    UNION ALL
    SELECT 'collation', n.nspname, o.collname, NULL, '', o.collowner, NULL, NULL
    FROM pg_collation o JOIN pg_namespace n ON n.oid = o.collnamespace WHERE @user(n) AND @own(pg_collation, o.oid)
    UNION ALL
    SELECT 'conversion', n.nspname, o.conname, NULL, '', o.conowner, NULL, NULL
    FROM pg_conversion o JOIN pg_namespace n ON n.oid = o.connamespace WHERE @user(n) AND @own(pg_conversion, o.oid)
    UNION ALL
    SELECT 'text search dictionary', n.nspname, o.dictname, NULL, '', o.dictowner, NULL, NULL
    FROM pg_ts_dict o JOIN pg_namespace n ON n.oid = o.dictnamespace WHERE @user(n) AND @own(pg_ts_dict, o.oid)
    UNION ALL
    SELECT 'text search configuration', n.nspname, o.cfgname, NULL, '', o.cfgowner, NULL, NULL
    FROM pg_ts_config o JOIN pg_namespace n ON n.oid = o.cfgnamespace WHERE @user(n) AND @own(pg_ts_config, o.oid)
    UNION ALL
    SELECT 'statistics', n.nspname, s.stxname, NULL, '', s.stxowner, NULL, NULL
    FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE @user(n) AND @own(pg_statistic_ext, s.oid)
    UNION ALL
    SELECT @relkind(c), n.nspname, c.relname, NULL, 'column ' || @q(a.attname) || ' ', NULL, a.attacl, 'c'
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
      AND @user(n) AND @own(pg_class, c.oid)
)
SELECT kind, schema, name, extra, 'owner', @q((SELECT rolname FROM pg_roles WHERE oid = owner)), 'v' FROM listed WHERE owner IS NOT NULL
UNION ALL
SELECT kind, schema, name, extra, part || g.sign || ' ' || g.grantee, g.privileges, 'v'
FROM listed, LATERAL (@beyond(acl, acldefault(CASE letter WHEN 'c' THEN 'c' ELSE letter END::"char", coalesce(owner, 10)))) AS g(sign, grantee, privileges)
WHERE acl IS NOT NULL;

-- What was granted on PostgreSQL's own objects and on members of extensions since they were made, or taken away.
WITH listed AS (
    SELECT @relkind(c) AS kind, n.nspname AS schema, c.relname AS name, NULL AS extra, '' AS part, c.relowner AS owner, c.relacl AS acl,
        CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END AS letter, 'pg_class'::regclass AS class, c.oid AS object, 0 AS sub
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND @given(n, pg_class, c.oid)
    UNION ALL
    SELECT @relkind(c), n.nspname, c.relname, NULL, 'column ' || @q(a.attname) || ' ', c.relowner, a.attacl, 'c', 'pg_class'::regclass, c.oid, a.attnum
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND @given(n, pg_class, c.oid)
    UNION ALL
    SELECT CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' ELSE 'function' END, n.nspname, p.proname,
        '(' || pg_get_function_identity_arguments(p.oid) || ')', '', p.proowner, p.proacl, 'f', 'pg_proc'::regclass, p.oid, 0
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.proacl IS NOT NULL AND @given(n, pg_proc, p.oid)
    UNION ALL
    SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, n.nspname, t.typname, NULL, '', t.typowner, t.typacl, 'T', 'pg_type'::regclass, t.oid, 0
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typacl IS NOT NULL AND @given(n, pg_type, t.oid)
    UNION ALL
    SELECT 'schema', NULL, n.nspname, NULL, '', n.nspowner, n.nspacl, 'n', 'pg_namespace'::regclass, n.oid, 0
    FROM pg_namespace n WHERE @given(n, pg_namespace, n.oid)
    UNION ALL
    SELECT 'language', NULL, l.lanname, NULL, '', l.lanowner, l.lanacl, 'l', 'pg_language'::regclass, l.oid, 0
    FROM pg_language l WHERE l.lanispl AND (l.oid < 16384 OR NOT @own(pg_language, l.oid))
    UNION ALL
    SELECT 'foreign-data wrapper', NULL, w.fdwname, NULL, '', w.fdwowner, w.fdwacl, 'F', 'pg_foreign_data_wrapper'::regclass, w.oid, 0
    FROM pg_foreign_data_wrapper w WHERE NOT @own(pg_foreign_data_wrapper, w.oid)
    UNION ALL
    SELECT 'foreign server', NULL, s.srvname, NULL, '', s.srvowner, s.srvacl, 'S', 'pg_foreign_server'::regclass, s.oid, 0
    FROM pg_foreign_server s WHERE NOT @own(pg_foreign_server, s.oid)
)
SELECT kind, schema, name, extra, part || g.sign || ' ' || g.grantee, g.privileges, 'v'
FROM listed LEFT JOIN pg_init_privs i ON i.classoid = class AND i.objoid = object AND i.objsubid = sub,
LATERAL (@beyond(acl, coalesce(i.initprivs, acldefault(letter::"char", owner)))) AS g(sign, grantee, privileges)
WHERE acl IS NOT NULL AND acl IS DISTINCT FROM i.initprivs;

-- Default privileges.
SELECT 'default privileges', NULL, @q((SELECT rolname FROM pg_roles WHERE oid = d.defaclrole)), coalesce((SELECT ' in ' || @q(nspname) FROM pg_namespace
    WHERE oid = d.defaclnamespace), '') || ' for ' || d.defaclobjtype::text, g.sign || ' ' || g.grantee, g.privileges, 'v'
FROM pg_default_acl d, LATERAL (@beyond(d.defaclacl, CASE d.defaclnamespace WHEN 0 THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole)
    END)) AS g(sign, grantee, privileges);

-- Large objects, all together.
SELECT 'large objects', NULL, '', NULL, 'owners and grants', count(*) || ' objects, digest ' || coalesce(sum(hashtextextended(o.one, 0)), 0), 'v'
FROM (SELECT l.oid || ' ' || (SELECT rolname FROM pg_roles WHERE oid = l.lomowner) || ' ' || coalesce((SELECT string_agg(concat_ws(' ', e.grantee::regrole, e.privilege_type, e.is_grantable), ','
        ORDER BY e.grantee::regrole::text COLLATE "C", e.privilege_type) FROM aclexplode(l.lomacl) AS e WHERE e.grantee <> l.lomowner), '') AS one
      FROM pg_largeobject_metadata l) AS o
HAVING count(*) > 0;
