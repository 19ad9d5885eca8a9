-- The database's own, as it is; versions of the collations that columns and indexes use.
SELECT 'database', NULL, '', NULL, a.aspect, a.value, 'v'
FROM pg_database d, LATERAL (VALUES
    ('encoding', pg_encoding_to_char(d.encoding)),
    ('collate', d.datcollate), ('ctype', d.datctype),
    ('provider', coalesce(to_jsonb(d) ->> 'datlocprovider', 'c')),
    ('locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')),
    ('version', to_jsonb(d) ->> 'datcollversion')) AS a(aspect, value)
WHERE d.datname = current_database() AND a.value IS NOT NULL;

SELECT 'collation', n.nspname, l.collname, NULL, 'version', l.collversion, 'v'
FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
WHERE l.collversion IS NOT NULL AND l.oid IN (
    SELECT a.attcollation FROM pg_attribute a WHERE a.attrelid >= 16384 AND NOT a.attisdropped
    UNION SELECT d.refobjid FROM pg_depend d WHERE d.refclassid = 'pg_collation'::regclass AND d.objid >= 16384);
