SELECT @relkind(c), n.nspname, c.relname, NULL, 'row security', CASE WHEN c.relforcerowsecurity THEN
    CASE WHEN c.relrowsecurity THEN 'enabled, forced' ELSE 'disabled, forced' END ELSE 'enabled' END, 'v'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (c.relrowsecurity OR c.relforcerowsecurity) AND @user(n) AND @own(pg_class, c.oid);

SELECT @relkind(c), n.nspname, c.relname, NULL, 'policy ' || @q(p.polname) || a.part, a.value, a.how
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
LATERAL (VALUES
    ('', concat_ws(' ', CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END, 'for', p.polcmd, 'to',
        (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE @q((SELECT rolname FROM pg_roles WHERE oid = r)) END, ', '
            ORDER BY (SELECT rolname FROM pg_roles WHERE oid = r)) FROM unnest(p.polroles) AS r)), 'v'),
    (' using', pg_get_expr(p.polqual, p.polrelid), 'q'),
    (' with check', pg_get_expr(p.polwithcheck, p.polrelid), 'q')
) AS a(part, value, how)
WHERE a.value IS NOT NULL AND @user(n) AND @own(pg_class, c.oid);
