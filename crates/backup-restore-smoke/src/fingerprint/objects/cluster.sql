-- What belongs to the cluster, and what only a dump with --create carries.
SELECT 'role', NULL, r.rolname, NULL, a.aspect, a.value, a.how
FROM pg_roles r, LATERAL (
    SELECT 'attributes', concat_ws(' ', CASE WHEN r.rolsuper THEN 'superuser' END, CASE WHEN r.rolinherit THEN 'inherit' END, CASE WHEN r.rolcreaterole THEN 'createrole' END,
        CASE WHEN r.rolcreatedb THEN 'createdb' END, CASE WHEN r.rolcanlogin THEN 'login' END, CASE WHEN r.rolreplication THEN 'replication' END,
        CASE WHEN r.rolbypassrls THEN 'bypassrls' END, CASE WHEN r.rolconnlimit <> -1 THEN 'connections ' || r.rolconnlimit END,
        'valid until ' || r.rolvaliduntil), 'v'
    UNION ALL SELECT 'member of ' || @q(g.rolname), CASE WHEN bool_or(m.admin_option) THEN 'admin' ELSE '' END, 'v'
    FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid GROUP BY g.rolname
    UNION ALL SELECT 'settings', array_to_string(ARRAY(SELECT o FROM unnest(s.setconfig) AS o ORDER BY o COLLATE "C"), ', '), 'd' FROM pg_db_role_setting s WHERE s.setdatabase = 0 AND s.setrole = r.oid
    UNION ALL SELECT 'comment', c.description, 'd' FROM pg_shdescription c WHERE c.objoid = r.oid AND c.classoid = 'pg_authid'::regclass
    UNION ALL SELECT 'label of ' || l.provider, l.label, 'd' FROM pg_shseclabel l WHERE l.objoid = r.oid AND l.classoid = 'pg_authid'::regclass
) AS a(aspect, value, how)
-- What the first superuser may do belongs to the cluster, and no globals change it.
WHERE r.rolname !~ '^pg_' AND (r.oid <> 10 OR a.aspect <> 'attributes');

SELECT 'every role', NULL, '', NULL, 'settings', array_to_string(ARRAY(SELECT o FROM unnest(s.setconfig) AS o ORDER BY o COLLATE "C"), ', '), 'd' FROM pg_db_role_setting s WHERE s.setdatabase = 0 AND s.setrole = 0;

SELECT 'database', NULL, '', NULL, a.aspect, a.value, a.how
FROM pg_database d, LATERAL (
    SELECT 'owner', @q((SELECT rolname FROM pg_roles WHERE oid = d.datdba)), 'v'
    UNION ALL SELECT g.sign || ' ' || g.grantee, g.privileges, 'v' FROM (@beyond(d.datacl, acldefault('d', d.datdba))) AS g(sign, grantee, privileges) WHERE d.datacl IS NOT NULL
    UNION ALL SELECT 'settings ' || CASE s.setrole WHEN 0 THEN '' ELSE @q((SELECT rolname FROM pg_roles WHERE oid = s.setrole)) END, array_to_string(ARRAY(SELECT o FROM unnest(s.setconfig) AS o ORDER BY o COLLATE "C"), ', '), 'd'
        FROM pg_db_role_setting s WHERE s.setdatabase = d.oid
    UNION ALL SELECT 'comment', c.description, 'd' FROM pg_shdescription c WHERE c.objoid = d.oid AND c.classoid = 'pg_database'::regclass
    UNION ALL SELECT 'label of ' || l.provider, l.label, 'd' FROM pg_shseclabel l WHERE l.objoid = d.oid AND l.classoid = 'pg_database'::regclass
    UNION ALL SELECT 'connections', d.datconnlimit::text, 'v'
) AS a(aspect, value, how)
WHERE d.datname = current_database();
