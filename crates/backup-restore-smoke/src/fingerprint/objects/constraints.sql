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
