-- Constraints of tables. Those of partitions that come from the parent's are the parent's; not-null ones, which
-- only 18 keeps here, are the column's, unless their rows are unproven or children do not have them.
SELECT @relkind(c), n.nspname, c.relname, NULL, 'constraint ' || @q(k.conname), pg_get_constraintdef(k.oid), 'v'
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (k.contype IN ('c', 'f', 'p', 'u', 'x') OR k.contype = 'n' AND (NOT k.convalidated OR k.connoinherit)) AND k.conparentid = 0
  AND c.relpersistence <> 't' AND @user(n) AND @own(pg_class, c.oid);

-- Constraints of domains.
SELECT 'domain', n.nspname, t.typname, NULL, 'constraint ' || @q(k.conname), pg_get_constraintdef(k.oid), 'v'
FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE k.contype = 'c' AND @user(n) AND @own(pg_type, t.oid);

-- Foreign keys that ordinary sessions do not obey. Partitions have their own; a key made for a partition that is
-- referred to has a name that was made up.
SELECT @relkind(c), n.nspname, c.relname, NULL, 'disabled triggers of constraint ' || @q(coalesce(p.conname, k.conname)),
    'on ' || string_agg(DISTINCT @q(m.nspname) || '.' || @q(o.relname) || CASE t.tgenabled WHEN 'R' THEN ' but in replicas' ELSE '' END, ', '), 'v'
FROM pg_trigger t JOIN pg_constraint k ON k.oid = t.tgconstraint LEFT JOIN pg_constraint p ON p.oid = k.conparentid
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class o ON o.oid = t.tgrelid JOIN pg_namespace m ON m.oid = o.relnamespace
WHERE k.contype = 'f' AND t.tgenabled IN ('D', 'R') AND @user(n) AND @own(pg_class, c.oid)
GROUP BY c.relkind, n.nspname, c.relname, coalesce(p.conname, k.conname);
