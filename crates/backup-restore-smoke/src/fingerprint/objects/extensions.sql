SELECT 'extension', NULL, e.extname, NULL, a.aspect, a.value, 'v'
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace,
LATERAL (VALUES ('schema', @q(n.nspname)), ('version', e.extversion)) AS a(aspect, value);
