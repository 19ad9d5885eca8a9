-- Of security labels only digests. A dump carries those of members of extensions, too.
SELECT 'security label on', NULL, i.type || ' ' || i.identity, NULL, 'label of ' || l.provider, l.label, 'd'
FROM pg_seclabel l, LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) AS i
WHERE (l.objoid >= 16384 OR l.classoid = 'pg_namespace'::regclass AND l.objoid = to_regnamespace('public'))
  AND l.classoid <> 'pg_largeobject'::regclass AND i.identity IS NOT NULL AND coalesce(i.schema, '') !~ '^pg_(toast|temp)';

SELECT 'security label on', NULL, 'large objects', NULL, 'labels', count(*) || ' labels, digest ' || coalesce(sum(hashtextextended(concat_ws(' ', l.objoid, l.provider, l.label), 0)), 0), 'v'
FROM pg_seclabel l WHERE l.classoid = 'pg_largeobject'::regclass HAVING count(*) > 0;
