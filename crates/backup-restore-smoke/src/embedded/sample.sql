-- Sample data with something of everything that a restore can lose. :orders: is replaced by a number.
SELECT setseed(0.42);

CREATE ROLE shop_owner NOLOGIN;
CREATE ROLE shop_app NOLOGIN;
CREATE ROLE "shop reporting" NOLOGIN;
CREATE SCHEMA shop AUTHORIZATION shop_owner;
CREATE SCHEMA billing AUTHORIZATION shop_owner;
CREATE SCHEMA audit;
CREATE SCHEMA "Odd ""Names""";
GRANT USAGE ON SCHEMA shop, billing TO shop_app, "shop reporting";

CREATE TYPE shop.order_state AS ENUM ('placed', 'paid', 'shipped', 'returned');
CREATE DOMAIN shop.email AS text CHECK (VALUE ~ '^[^@]+@[^@]+$');
CREATE TYPE shop.address AS (street text, city text, postcode text);

CREATE TABLE shop.customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference uuid NOT NULL UNIQUE,
    name text NOT NULL,
    email shop.email NOT NULL,
    home shop.address,
    tags text[] NOT NULL DEFAULT '{}',
    preferences jsonb NOT NULL DEFAULT '{}',
    balance numeric(12, 2) NOT NULL DEFAULT 0,
    last_seen_from inet,
    born date,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE shop.customers IS 'People who buy; none of them exists';
INSERT INTO shop.customers (reference, name, email, home, tags, preferences, balance, last_seen_from, born, created_at)
SELECT md5('customer' || i)::uuid, 'Customer ' || i || CASE WHEN i % 7 = 0 THEN ' Ærøskøbing 😀' ELSE '' END,
       'customer' || i || '@example.test', ROW('Street ' || i % 977, 'City ' || i % 89, lpad((i % 99999)::text, 5, '0'))::shop.address,
       ARRAY['tag' || i % 5, 'with, comma', 'with "quote"'], jsonb_build_object('theme', i % 3, 'score', i / 3.0, 'none', NULL),
       round((i * 1.37 % 10000)::numeric, 2) - 5000, ('10.' || i % 256 || '.' || i / 256 % 256 || '.7')::inet,
       date '1950-01-01' + i % 20000, timestamptz '2023-01-01 00:00+00' + i * interval '37 seconds'
FROM generate_series(1, greatest(:orders: / 10, 100)) AS i;

CREATE TABLE shop.products (
    sku text PRIMARY KEY CHECK (sku ~ '^P'),
    title text NOT NULL,
    price numeric(10, 2) NOT NULL CHECK (price > 0),
    weight double precision,
    ratio real,
    attributes json,
    sizes int4range,
    available daterange,
    search tsvector GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, title)) STORED
);
INSERT INTO shop.products (sku, title, price, weight, ratio, attributes, sizes, available)
SELECT 'P' || i, 'Product ' || md5(i::text), (i % 500) + 0.99, i / 7.0, i / 3.0, json_build_object('b', 1, 'a', i),
       int4range(i, i + 10), daterange(date '2024-01-01', date '2024-01-01' + i % 900)
FROM generate_series(1, 1000) AS i;
CREATE INDEX products_search ON shop.products USING gin (search);

CREATE TABLE shop.orders (
    id bigint NOT NULL,
    customer bigint NOT NULL REFERENCES shop.customers,
    state shop.order_state NOT NULL,
    placed_at timestamptz NOT NULL,
    total numeric(12, 2) NOT NULL,
    note text,
    PRIMARY KEY (id, placed_at)
) PARTITION BY RANGE (placed_at);
CREATE TABLE shop.orders_2023 PARTITION OF shop.orders FOR VALUES FROM ('2023-01-01 00:00+00') TO ('2024-01-01 00:00+00');
CREATE TABLE shop.orders_2024 PARTITION OF shop.orders FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-01-01 00:00+00')
    PARTITION BY HASH (id);
CREATE TABLE shop.orders_2024_even PARTITION OF shop.orders_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shop.orders_2024_odd PARTITION OF shop.orders_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE shop.orders_later PARTITION OF shop.orders DEFAULT;
CREATE SEQUENCE shop.order_id INCREMENT 1 OWNED BY NONE;
INSERT INTO shop.orders
SELECT nextval('shop.order_id'), 1 + i % greatest(:orders: / 10, 100), (enum_range(NULL::shop.order_state))[1 + i % 4],
       timestamptz '2023-01-01 00:00+00' + (i::double precision / :orders:) * interval '900 days',
       round((random() * 1000)::numeric, 2), CASE WHEN i % 11 = 0 THEN E'line one\nline two\t\\ ' || md5(i::text) END
FROM generate_series(1, :orders:) AS i;
CREATE INDEX orders_by_customer ON shop.orders (customer);

CREATE TABLE shop.order_items (
    order_id bigint NOT NULL,
    placed_at timestamptz NOT NULL,
    line smallint NOT NULL,
    sku text NOT NULL REFERENCES shop.products,
    quantity integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, line),
    FOREIGN KEY (order_id, placed_at) REFERENCES shop.orders (id, placed_at)
);
INSERT INTO shop.order_items SELECT id, placed_at, 1, 'P' || 1 + id % 1000, 1 + id % 9 FROM shop.orders;

CREATE SEQUENCE billing.invoice_number START 1000 INCREMENT -3 MINVALUE -1000000000 MAXVALUE 1000;
CREATE TABLE billing.invoices (
    number bigint PRIMARY KEY DEFAULT nextval('billing.invoice_number'),
    order_id bigint NOT NULL,
    placed_at timestamptz NOT NULL,
    due interval NOT NULL,
    amount money NOT NULL,
    document bytea,
    EXCLUDE USING btree (order_id WITH =),
    FOREIGN KEY (order_id, placed_at) REFERENCES shop.orders (id, placed_at) DEFERRABLE
);
INSERT INTO billing.invoices (order_id, placed_at, due, amount, document)
SELECT id, placed_at, interval '1 month 3 days' * (1 + id % 3), total::money, decode(md5(id::text) || md5('d' || id), 'hex')
FROM shop.orders WHERE id % 3 = 0;

CREATE TABLE audit.events (at timestamptz NOT NULL, actor name NOT NULL, what jsonb NOT NULL, origin cidr);
INSERT INTO audit.events
SELECT placed_at, 'shop_app', jsonb_build_object('order', id, 'trace',
       md5(id::text) || md5('a' || id) || md5('b' || id) || md5('c' || id) || md5('d' || id) || md5('e' || id)), '10.0.0.0/8'
FROM shop.orders;
CREATE UNLOGGED TABLE audit.sessions AS SELECT md5(i::text) AS token, now() - i * interval '1 s' AS seen FROM generate_series(1, 100) AS i;
CREATE TABLE audit.base (id integer PRIMARY KEY, own text);
CREATE TABLE audit.child (zulu text, alpha text);
ALTER TABLE audit.child ADD COLUMN id integer NOT NULL, ADD COLUMN own text;
ALTER TABLE audit.child INHERIT audit.base;
INSERT INTO audit.base VALUES (1, 'base');
INSERT INTO audit.child VALUES ('z', 'a', 2, 'child'), (NULL, '', 3, NULL);

CREATE TABLE shop.every_type (
    id integer PRIMARY KEY,
    a_boolean boolean, a_smallint smallint, a_bigint bigint, a_numeric numeric, a_real real, a_double double precision,
    a_char char(8), a_varchar varchar(20), a_text text, a_bytea bytea, a_date date, a_time time, a_timetz timetz,
    a_timestamp timestamp, a_timestamptz timestamptz, an_interval interval, a_uuid uuid, a_json json, a_jsonb jsonb,
    an_xml xml, an_inet inet, a_cidr cidr, a_macaddr macaddr, a_bit bit(5), a_varbit bit varying(9), a_point point,
    a_line line, a_box box, a_path path, a_polygon polygon, a_circle circle, a_tsvector tsvector, a_tsquery tsquery,
    a_range numrange, a_multirange int4multirange, an_array integer[][], a_regclass regclass, an_oid oid, an_lsn pg_lsn,
    a_money money, a_composite shop.address, an_enum shop.order_state[]
);
INSERT INTO shop.every_type (id) VALUES (1);
INSERT INTO shop.every_type VALUES (2, true, -32768, 9223372036854775807, 1.00, 'NaN', '-Infinity', 'pad', 'é', E'tab\tnew\nline',
    '\x00ff', '0044-03-15 BC', '24:00', '12:00:00.123456-15:59', 'infinity', '2024-02-29 23:59:60+00', '-1 year 2 mons 3 days 04:05:06.7',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"b": 1,  "a":2, "a": 3}', '{"b": 1, "a": 2}', '<a>x &amp; y</a>', '::1/64',
    '192.168.0.0/16', '08:00:2b:01:02:03', B'10101', B'1', '(1.5,-2)', '{1,2,3}', '((0,0),(1,1))', '[(0,0),(1,1)]',
    '((0,0),(1,1),(2,0))', '<(0,0),3>', 'a:1 fat:2,4 cat:3', 'fat & (rat | cat)', '[1.0,2.00)', '{[1,3),[7,9)}', '{{1,2},{3,NULL}}',
    'shop.orders', 4294967295, '16/B374D848', '12.34', ROW('a "b" (c)', '\', NULL), '{placed,NULL}');
INSERT INTO shop.every_type (id, a_numeric, a_text) VALUES (3, 1.0, ''), (4, 1e100, NULL);

CREATE TABLE "Odd ""Names""".r (r text, "select" integer, "new
line 😀" text);
INSERT INTO "Odd ""Names""".r VALUES ('a column named as the alias of our query', 1, 'x'), (NULL, NULL, NULL);
CREATE TABLE "Odd ""Names"""."no columns" ();
INSERT INTO "Odd ""Names"""."no columns" DEFAULT VALUES;
CREATE TABLE "Odd ""Names"""."empty; -- '" (id integer);

CREATE TABLE shop.private_notes (owner name NOT NULL, note text);
INSERT INTO shop.private_notes VALUES ('shop_app', 'seen by one role only');
ALTER TABLE shop.private_notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON shop.private_notes TO shop_app USING (owner = current_user);

CREATE MATERIALIZED VIEW shop.revenue AS SELECT date_trunc('month', placed_at) AS month, sum(total) AS total FROM shop.orders GROUP BY 1;
CREATE VIEW shop.open_orders AS SELECT * FROM shop.orders WHERE state IN ('placed', 'paid');
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.created_at := NEW.created_at; RETURN NEW; END$$;
CREATE TRIGGER customers_touch BEFORE UPDATE ON shop.customers FOR EACH ROW EXECUTE FUNCTION shop.touch();

SELECT count(lo_from_bytea(0, convert_to(repeat('large object ' || i || ' ', 500 * i), 'UTF8'))) FROM generate_series(1, 10) AS i;

ALTER TABLE shop.customers OWNER TO shop_owner;
ALTER TABLE shop.orders OWNER TO shop_owner;
GRANT SELECT, INSERT, UPDATE ON shop.orders, shop.order_items TO shop_app;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO "shop reporting";
ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner IN SCHEMA shop GRANT SELECT ON TABLES TO "shop reporting";
