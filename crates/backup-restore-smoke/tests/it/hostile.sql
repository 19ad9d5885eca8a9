-- A schema with everything that a fingerprint must cover, and names that are meant to break it. It runs on every
-- major version that is tested, and must give the same fingerprint on each.
CREATE ROLE "own""er 😀" NOLOGIN;
CREATE ROLE "reader
of lines" NOLOGIN;
CREATE ROLE clerk NOLOGIN;
GRANT clerk TO "own""er 😀";
CREATE SCHEMA shop AUTHORIZATION "own""er 😀";
CREATE SCHEMA "Odd ""Schema""
😀";
GRANT USAGE ON SCHEMA shop TO clerk, "reader
of lines" WITH GRANT OPTION;
COMMENT ON SCHEMA shop IS 'It''s a "shop"
with a comment of two lines';

CREATE TYPE shop.state AS ENUM ('new', 'it''s "paid"', 'gone
away');
CREATE DOMAIN shop.email AS text COLLATE "C" DEFAULT 'none@example.test' NOT NULL CONSTRAINT "looks like ""one""" CHECK (VALUE ~ '^[^@]+@[^@]+$');
CREATE DOMAIN shop.short AS varchar(5) CHECK (length(VALUE) > 1);
CREATE TYPE shop.address AS (street text, "post code" varchar(7), at point);
CREATE TYPE shop.span AS RANGE (subtype = float8, subtype_diff = float8mi, multirange_type_name = shop.spans);
CREATE TYPE shop.shell;

CREATE FUNCTION shop.add(a integer, b integer DEFAULT 2, VARIADIC c integer[] DEFAULT '{}') RETURNS integer LANGUAGE sql
    IMMUTABLE STRICT PARALLEL SAFE COST 7 SET work_mem TO '8MB' AS 'SELECT a + b';
CREATE FUNCTION shop.standard(a integer) RETURNS TABLE (b integer, c text) LANGUAGE sql STABLE
    BEGIN ATOMIC SELECT g.i + a, 'x'::text FROM generate_series(1, 3) AS g(i) WHERE g.i > 1; END;
CREATE PROCEDURE shop.tidy(INOUT n integer) LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN n := n + 1; END$$;
CREATE AGGREGATE shop.total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0', COMBINEFUNC = int4pl, PARALLEL = SAFE);
CREATE FUNCTION shop.is_more(shop.address, shop.address) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).street > ($2).street';
CREATE OPERATOR shop.>>> (LEFTARG = shop.address, RIGHTARG = shop.address, FUNCTION = shop.is_more, COMMUTATOR = OPERATOR(shop.<<<));
CREATE FUNCTION shop.as_text(shop.state) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (shop.state AS integer) WITH FUNCTION shop.as_text(shop.state) AS ASSIGNMENT;
CREATE COLLATION shop.plain FROM "C";
CREATE CONVERSION shop.conversion FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
CREATE TEXT SEARCH DICTIONARY shop.simple_words (TEMPLATE = simple, ACCEPT = false);
CREATE TEXT SEARCH CONFIGURATION shop.words (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION shop.words ALTER MAPPING FOR asciiword WITH shop.simple_words, simple;
CREATE OPERATOR FAMILY shop.family USING btree;
CREATE OPERATOR CLASS shop.backwards FOR TYPE integer USING btree AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 btint4cmp(integer, integer);
CREATE FOREIGN DATA WRAPPER nowhere OPTIONS (debug 'true');
CREATE SERVER far_away TYPE 'a' VERSION '1' FOREIGN DATA WRAPPER nowhere OPTIONS (host '127.0.0.1', secret 'option-value');
CREATE USER MAPPING FOR clerk SERVER far_away OPTIONS (password 'mapping-value');
CREATE FOREIGN TABLE shop.abroad (a integer OPTIONS (column_name 'b') NOT NULL, c text) SERVER far_away OPTIONS (table_name 't');

CREATE TABLE shop.every_type (
    id integer PRIMARY KEY,
    a_boolean boolean, a_smallint smallint, a_bigint bigint, a_numeric numeric, a_real real, a_double double precision,
    a_char char(8), a_quoted_char "char", a_varchar varchar(20), a_text text, a_name name, a_bytea bytea, a_date date, a_time time(3),
    a_timetz timetz, a_timestamp timestamp(2), a_timestamptz timestamptz, an_interval interval day to second(3), a_uuid uuid,
    a_json json, a_jsonb jsonb, a_jsonpath jsonpath, an_xml xml, an_inet inet, a_cidr cidr, a_macaddr macaddr, a_macaddr8 macaddr8,
    a_bit bit(5), a_varbit bit varying(9), a_point point, a_line line, an_lseg lseg, a_box box, a_path path, a_polygon polygon,
    a_circle circle, a_tsvector tsvector, a_tsquery tsquery, a_int4range int4range, a_int8range int8range, a_numrange numrange,
    a_tsrange tsrange, a_tstzrange tstzrange, a_daterange daterange, a_multirange int4multirange, a_datemultirange datemultirange,
    an_array integer[][], some_texts text[], a_regclass regclass, a_regproc regproc, a_regtype regtype, a_regrole regrole,
    a_regconfig regconfig, an_oid oid, a_tid tid, an_xid xid, an_xid8 xid8, a_cid cid, a_snapshot pg_snapshot, an_lsn pg_lsn,
    an_oidvector oidvector, an_int2vector int2vector, a_money money, a_composite shop.address, composites shop.address[],
    an_enum shop.state, enums shop.state[], a_domain shop.email, short_ones shop.short[], a_span shop.span, spans shop.spans
);
INSERT INTO shop.every_type (id) VALUES (1);
INSERT INTO shop.every_type VALUES (2, true, -32768, 9223372036854775807, 1.00, 'NaN', '-Infinity', 'pad', 'q', 'é', E'tab\tnew\nline', 'a name',
    '\x00ff', '0044-03-15 BC', '24:00', '12:00:00.123456-15:59', 'infinity', '2024-02-29 23:59:60+00', '3 days 04:05:06.7',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"b": 1,  "a":2, "a": 3}', '{"b": 1, "a": 2}', '$.a[*] ? (@ > 1)', NULL, '::1/64',
    '192.168.0.0/16', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'10101', B'1', '(1.5,-2)', '{1,2,3}', '[(0,0),(1,1)]', '((0,0),(1,1))',
    '[(0,0),(1,1)]', '((0,0),(1,1),(2,0))', '<(0,0),3>', 'a:1 fat:2,4 cat:3', 'fat & (rat | cat)', '[1,3)', '(,9)', '[1.0,2.00)',
    '[2024-01-01,2024-02-01)', '[2024-01-01 00:00+00,)', '[2024-01-01,2024-02-01)', '{[1,3),[7,9)}', '{[2024-01-01,2024-02-01)}', '{{1,2},{3,NULL}}',
    '{"",NULL,"a,b","\"q\"",null}', 'shop.every_type', 'pg_catalog.int4in', 'integer', 'clerk', 'simple', 4294967295, '(3,4)', '77', '99', '5',
    '10:20:10,14', '16/B374D848', '1 2 3', '4 5', '12.34', ROW('a "b" (c)', '\', NULL), ARRAY[ROW('x', NULL, '(1,2)')::shop.address],
    'it''s "paid"', '{new,NULL}', 'a@b', '{abc,NULL}', '[1.5,2.5)', '{[1,2),[3,4)}');
INSERT INTO shop.every_type (id, a_numeric, a_text, a_double, a_real) VALUES (3, 1.0, '', 0.1::float8 / 3, 1e-40), (4, 1e100, NULL, 1e300, 'NaN');

CREATE SEQUENCE shop.invoice_number AS integer START 1000 INCREMENT -3 MINVALUE -5000 MAXVALUE 1000 CACHE 5 CYCLE;
SELECT nextval('shop.invoice_number');
CREATE TABLE shop.customers (
    id bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5),
    serial_one serial,
    second_id integer GENERATED BY DEFAULT AS IDENTITY,
    name text COLLATE shop.plain NOT NULL,
    mail shop.email,
    home shop.address DEFAULT ROW('street', '12', NULL),
    paid numeric(12, 2) DEFAULT 0.10 NOT NULL,
    doubled numeric GENERATED ALWAYS AS (paid * 2) STORED,
    big text COMPRESSION pglz,
    stays daterange,
    CONSTRAINT customers_pk PRIMARY KEY (id),
    CONSTRAINT "odd ""constraint"" 😀" CHECK (paid >= 0 AND name <> 'it''s'),
    UNIQUE NULLS NOT DISTINCT (name, mail) INCLUDE (paid),
    EXCLUDE USING gist (stays WITH &&) WHERE (NOT isempty(stays)) DEFERRABLE INITIALLY DEFERRED
) WITH (fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE shop.customers ALTER COLUMN name SET STATISTICS 500, ALTER COLUMN big SET STORAGE EXTERNAL, ALTER COLUMN paid SET (n_distinct = -0.5), OWNER TO "own""er 😀";
INSERT INTO shop.customers (name, mail, paid, stays)
    SELECT 'customer ' || i, 'c' || i || '@example.test', i, daterange(date '2024-01-01' + 2 * i, date '2024-01-02' + 2 * i) FROM generate_series(1, 200) AS i;
ALTER TABLE shop.customers ADD CONSTRAINT unproven CHECK (paid < 100) NOT VALID;
CREATE INDEX "by name, lower" ON shop.customers USING btree (lower(name) text_pattern_ops DESC NULLS LAST, paid) INCLUDE (mail) WITH (fillfactor = 50) WHERE paid > 3;
CREATE STATISTICS shop.together (ndistinct, dependencies) ON name, paid FROM shop.customers;
CREATE UNIQUE INDEX customers_second ON shop.customers (second_id);
ALTER TABLE shop.customers ALTER COLUMN second_id SET NOT NULL;
ALTER TABLE shop.customers REPLICA IDENTITY USING INDEX customers_second;
ALTER TABLE shop.customers CLUSTER ON customers_pk;
COMMENT ON TABLE shop.customers IS 'none of them exists 😀';
COMMENT ON COLUMN shop.customers.name IS 'a "name"';
COMMENT ON CONSTRAINT "odd ""constraint"" 😀" ON shop.customers IS 'odd';
COMMENT ON INDEX shop."by name, lower" IS 'an index';

CREATE TABLE shop.orders (id bigint, customer bigint REFERENCES shop.customers (id) ON DELETE SET NULL, at timestamptz, region text, note text,
    PRIMARY KEY (id, at, region)) PARTITION BY RANGE (at);
CREATE TABLE shop.orders_old PARTITION OF shop.orders FOR VALUES FROM (MINVALUE) TO ('2024-01-01 00:00+00');
CREATE TABLE shop.orders_new PARTITION OF shop.orders FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2030-01-01 00:00+00') PARTITION BY LIST (region);
CREATE TABLE shop.orders_north PARTITION OF shop.orders_new FOR VALUES IN ('north', 'it''s') PARTITION BY HASH (id);
CREATE TABLE shop.orders_north_0 PARTITION OF shop.orders_north FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shop.orders_north_1 PARTITION OF shop.orders_north FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE shop.orders_rest PARTITION OF shop.orders_new DEFAULT;
CREATE INDEX orders_by_customer ON shop.orders (customer);
INSERT INTO shop.orders SELECT i, 100 + 5 * (i % 200), timestamptz '2023-01-01 00:00+00' + i * interval '1 day', (ARRAY['north', 'south', 'it''s'])[1 + i % 3], md5(i::text)
    FROM generate_series(1, 900) AS i;

CREATE TABLE shop.parent (id integer, own text, CHECK (id > 0));
CREATE TABLE shop.child (zulu text, alpha text) INHERITS (shop.parent);
ALTER TABLE shop.parent ADD COLUMN later text DEFAULT 'later';
CREATE TABLE shop.adopted (z integer, own text, later text, id integer CHECK (id > 0));
ALTER TABLE shop.adopted RENAME CONSTRAINT adopted_id_check TO parent_id_check;
ALTER TABLE shop.adopted INHERIT shop.parent;
INSERT INTO shop.child (id, own, zulu, alpha) VALUES (1, 'a', 'b', 'c');
INSERT INTO shop.adopted VALUES (5, 'own', 'later', 6);
CREATE TABLE shop.typed OF shop.address (street NOT NULL);

CREATE UNLOGGED TABLE shop.sessions AS SELECT i AS id FROM generate_series(1, 10) AS i;
CREATE TABLE shop.secrets (owner name NOT NULL DEFAULT current_user, note text);
INSERT INTO shop.secrets VALUES ('clerk', 'seen by one only');
ALTER TABLE shop.secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop.secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY "own ""notes""" ON shop.secrets AS RESTRICTIVE FOR UPDATE TO clerk, "own""er 😀" USING (owner = CURRENT_USER) WITH CHECK (note <> 'it''s');
CREATE POLICY everybody ON shop.secrets USING (EXISTS (SELECT 1 FROM shop.customers c WHERE c.name = secrets.owner));

CREATE VIEW shop.open_orders WITH (security_barrier = true) AS
    SELECT o.id, o.at, c.name AS customer_name, count(*) OVER (PARTITION BY o.region) AS n
    FROM shop.orders o JOIN shop.customers c ON c.id = o.customer WHERE o.at > '2024-01-01 00:00+00'::timestamptz AND o.note IS NOT NULL;
CREATE VIEW shop.plain_view AS SELECT id, name, paid + 1 AS more FROM shop.customers WHERE paid > 1 WITH LOCAL CHECK OPTION;
CREATE RECURSIVE VIEW shop.counting (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counting WHERE n < 5;
CREATE MATERIALIZED VIEW shop.revenue AS SELECT region, count(*) AS n FROM shop.orders GROUP BY region;
CREATE UNIQUE INDEX ON shop.revenue (region);
CREATE MATERIALIZED VIEW shop.not_yet AS SELECT 1 AS one WITH NO DATA;
CREATE RULE no_delete AS ON DELETE TO shop.parent WHERE old.id < 10 DO INSTEAD NOTHING;
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER "touch ""it""" BEFORE UPDATE OF name, paid ON shop.customers FOR EACH ROW WHEN (OLD.paid IS DISTINCT FROM NEW.paid) EXECUTE FUNCTION shop.touch('an argument', 'it''s');
CREATE TRIGGER sleeping AFTER INSERT ON shop.parent FOR EACH STATEMENT EXECUTE FUNCTION shop.touch();
ALTER TABLE shop.parent DISABLE TRIGGER sleeping;
CREATE TRIGGER on_orders AFTER INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON shop.typed DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE FUNCTION shop.nothing() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN END$$;
CREATE EVENT TRIGGER "watch ""it""" ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION shop.nothing();
ALTER EVENT TRIGGER "watch ""it""" ENABLE ALWAYS;
CREATE PUBLICATION some_news FOR TABLE shop.customers (id, second_id, name) WHERE (second_id > 10), TABLE shop.parent WITH (publish = 'insert, update');
CREATE PUBLICATION all_news FOR TABLES IN SCHEMA shop WITH (publish_via_partition_root = true);

CREATE TABLE "Odd ""Schema""
😀"."a
table; --'" (r text, "select" integer, "new
line 😀" text DEFAULT 'it''s
two');
INSERT INTO "Odd ""Schema""
😀"."a
table; --'" VALUES ('x', 1, 'y'), (NULL, NULL, NULL);
CREATE TABLE "Odd ""Schema""
😀"."no columns" ();
CREATE TABLE public.dropped (a integer, gone text, b integer);
ALTER TABLE public.dropped DROP COLUMN gone;
INSERT INTO public.dropped VALUES (1, 2);
COMMENT ON COLUMN "Odd ""Schema""
😀"."a
table; --'"."new
line 😀" IS 'odd';

GRANT SELECT, INSERT ON shop.customers, shop.orders TO clerk;
GRANT SELECT (id, own), UPDATE (own) ON shop.parent TO "reader
of lines";
GRANT SELECT ON shop.revenue TO clerk WITH GRANT OPTION;
GRANT USAGE ON SEQUENCE shop.invoice_number TO clerk;
REVOKE EXECUTE ON FUNCTION shop.add(integer, integer, integer[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop.add(integer, integer, integer[]) TO clerk;
REVOKE USAGE ON TYPE shop.state FROM PUBLIC;
GRANT USAGE ON FOREIGN SERVER far_away TO clerk;
REVOKE INSERT ON shop.parent FROM postgres;
GRANT SELECT ON shop.child TO PUBLIC;
REVOKE SELECT ON shop.child FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE "own""er 😀" IN SCHEMA shop GRANT SELECT ON TABLES TO clerk;
ALTER DEFAULT PRIVILEGES FOR ROLE "own""er 😀" REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER VIEW shop.plain_view OWNER TO "own""er 😀";

SELECT lo_from_bytea(70001, 'one large object'), lo_from_bytea(70002, '\x00ff');
GRANT SELECT ON LARGE OBJECT 70001 TO clerk;
ALTER LARGE OBJECT 70002 OWNER TO clerk;
COMMENT ON LARGE OBJECT 70001 IS 'large';
CREATE EXTENSION hstore SCHEMA public;
CREATE EXTENSION citext;
CREATE TABLE shop.of_extensions (h hstore, c citext UNIQUE);
INSERT INTO shop.of_extensions VALUES ('"it''s"=>"x", b=>NULL', 'MiXed');
