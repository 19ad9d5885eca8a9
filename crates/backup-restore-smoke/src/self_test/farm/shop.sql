-- A small shop: something of what a restore can lose.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'with_password') THEN
        CREATE ROLE with_password NOLOGIN;
        CREATE ROLE shop_owner NOLOGIN;
    END IF;
END $$;
CREATE SCHEMA shop AUTHORIZATION shop_owner;
CREATE TABLE shop.customers (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE shop.orders (id int, at date, customer int REFERENCES shop.customers, note text, PRIMARY KEY (id, at))
    PARTITION BY RANGE (at);
CREATE TABLE shop.orders_old PARTITION OF shop.orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE shop.orders_new PARTITION OF shop.orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE shop.prices (sku text PRIMARY KEY, price numeric(10, 2) NOT NULL CHECK (price > 0));
ALTER TABLE shop.customers OWNER TO shop_owner;
INSERT INTO shop.customers (name) SELECT 'customer ' || i FROM generate_series(1, 500) AS i;
INSERT INTO shop.orders SELECT i, date '2024-06-01' + i % 400, 1 + i % 500, md5(i::text) FROM generate_series(1, 2000) AS i;
INSERT INTO shop.prices SELECT 'P' || i, 0.99 + i FROM generate_series(1, 100) AS i;
CREATE MATERIALIZED VIEW shop.totals AS SELECT customer, count(*) AS orders FROM shop.orders GROUP BY customer;
SELECT lo_from_bytea(0, 'a large object');
