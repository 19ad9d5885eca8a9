-- The database of the demonstration: about 100 MB, varied, the same at every run.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
CREATE ROLE app_rw NOLOGIN;
CREATE SCHEMA billing;
CREATE SCHEMA provisioning;

CREATE TYPE billing.plan AS ENUM ('free', 'team', 'business');
CREATE TABLE public.customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    plan billing.plan NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL
);
INSERT INTO public.customers (name, plan, settings, created_at)
SELECT 'Customer ' || i,
       (ARRAY['free', 'team', 'business'])[1 + i % 3]::billing.plan,
       jsonb_build_object('locale', (ARRAY['en', 'de', 'fr', 'es'])[1 + i % 4], 'seats', i % 50),
       timestamptz '2025-01-01 00:00:00+00' + i * interval '7 minutes'
FROM generate_series(1, 50000) AS i;

CREATE TABLE billing.ledger_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES public.customers (id),
    amount numeric(12, 2) NOT NULL,
    booked_at timestamptz NOT NULL,
    reference uuid NOT NULL,
    note text
);
INSERT INTO billing.ledger_entries (customer_id, amount, booked_at, reference, note)
SELECT 1 + (i * 7919::bigint) % 50000,
       ((i * 31) % 100000) / 100.0 - 200,
       timestamptz '2026-01-01 00:00:00+00' + i * interval '53 seconds',
       md5('ledger' || i)::uuid,
       CASE WHEN i % 5 = 0 THEN 'reversal of ' || (i - 1) END
FROM generate_series(1, 350000) AS i;
CREATE INDEX ledger_entries_by_customer ON billing.ledger_entries (customer_id, booked_at);

CREATE TABLE public.webhook_events (
    received_at timestamptz NOT NULL,
    provider text NOT NULL,
    payload jsonb NOT NULL,
    signature bytea NOT NULL
) PARTITION BY RANGE (received_at);
CREATE TABLE public.webhook_events_2026_09 PARTITION OF public.webhook_events
    FOR VALUES FROM ('2026-09-01 00:00:00+00') TO ('2026-10-01 00:00:00+00');
CREATE TABLE public.webhook_events_2026_10 PARTITION OF public.webhook_events
    FOR VALUES FROM ('2026-10-01 00:00:00+00') TO ('2026-11-01 00:00:00+00');
INSERT INTO public.webhook_events
SELECT timestamptz '2026-09-01 00:00:00+00' + i * interval '40 seconds',
       (ARRAY['payments', 'domains', 'mail'])[1 + i % 3],
       jsonb_build_object('id', md5('event' || i), 'kind', 'object.updated', 'attempt', 1 + i % 4,
                          'body', md5('a' || i) || md5('b' || i)),
       decode(md5('signature' || i), 'hex')
FROM generate_series(1, 130000) AS i;

CREATE TABLE provisioning.jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES public.customers (id),
    stage text NOT NULL CHECK (stage IN ('allocate', 'network', 'boot', 'done')),
    node inet,
    tags text[] NOT NULL DEFAULT '{}',
    took interval
);
INSERT INTO provisioning.jobs (customer_id, stage, node, tags, took)
SELECT 1 + i % 50000,
       (ARRAY['allocate', 'network', 'boot', 'done'])[1 + i % 4],
       inet '10.0.0.0' + i,
       ARRAY['region-' || i % 5, 'size-' || i % 3],
       (i % 900) * interval '1 second'
FROM generate_series(1, 60000) AS i;

CREATE VIEW billing.balance AS
    SELECT customer_id, sum(amount) AS balance FROM billing.ledger_entries GROUP BY customer_id;
GRANT USAGE ON SCHEMA billing, provisioning TO app_rw;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public, billing, provisioning TO app_rw;
SELECT lo_from_bytea(0, decode(repeat(md5('attachment'), 512), 'hex')) AS attachment \gset
COMMIT;
ANALYZE;
