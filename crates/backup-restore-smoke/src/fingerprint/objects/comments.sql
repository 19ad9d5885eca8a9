-- Of comments only digests. Those of extensions come with the extension.
SELECT 'comment on', NULL, i.type || ' ' || i.identity, NULL, 'text', d.description, 'd'
FROM pg_description d, LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS i
WHERE (d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass AND d.objoid = to_regnamespace('public'))
  AND d.classoid NOT IN ('pg_extension'::regclass, 'pg_largeobject'::regclass) AND i.identity IS NOT NULL
  AND coalesce(i.schema, '') !~ '^pg_(toast|temp)'
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e');

SELECT 'comment on', NULL, 'large objects', NULL, 'texts', count(*) || ' comments, digest ' || coalesce(sum(hashtextextended(d.objoid || ' ' || d.description, 0)), 0), 'v'
FROM pg_description d WHERE d.classoid = 'pg_largeobject'::regclass HAVING count(*) > 0;
