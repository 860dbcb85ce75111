-- Roles, schemas and time-outs. Run once by a superuser in the database of Riskstream, before the first migration;
-- running it again changes nothing. Passwords are set apart: ALTER ROLE <service> PASSWORD '...'.
--
--   riskstream_owner      owns every table, has no login
--   riskstream_migrator   logs in for migrations only, and acts as the owner
--   symbols_reader        may read the symbol layer; granted to the services of the portfolio layer
--   onboarding_api        what onboarding becomes for the length of one request: sees one owner's rows
--   analytics_api         the same for analytics
--   valuation_head_reader owns the one function that reads a head across schemas
--   symbol_batch, portfolio_refresh, onboarding, analytics: the services

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['riskstream_owner', 'symbols_reader', 'onboarding_api', 'analytics_api', 'valuation_head_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', name);
        END IF;
    END LOOP;
    FOREACH name IN ARRAY ARRAY['riskstream_migrator', 'symbol_batch', 'portfolio_refresh', 'onboarding', 'analytics'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO riskstream_migrator, symbol_batch, portfolio_refresh, onboarding, analytics', current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO symbol_batch, portfolio_refresh, onboarding, onboarding_api', current_database());
END
$$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA IF NOT EXISTS symbols AUTHORIZATION riskstream_owner;
CREATE SCHEMA IF NOT EXISTS portfolios AUTHORIZATION riskstream_owner;
CREATE SCHEMA IF NOT EXISTS valuations AUTHORIZATION riskstream_owner;

GRANT riskstream_owner TO riskstream_migrator WITH INHERIT FALSE, SET TRUE;
GRANT valuation_head_reader TO riskstream_owner WITH INHERIT FALSE, SET TRUE;
GRANT symbols_reader TO portfolio_refresh, onboarding, analytics WITH INHERIT TRUE, SET FALSE;
-- The API roles inherit the right to read the symbol layer; the services may only become them, never inherit them.
ALTER ROLE onboarding_api INHERIT;
ALTER ROLE analytics_api INHERIT;
GRANT symbols_reader TO onboarding_api, analytics_api WITH INHERIT TRUE, SET FALSE;
GRANT onboarding_api TO onboarding WITH INHERIT FALSE, SET TRUE;
GRANT analytics_api TO analytics WITH INHERIT FALSE, SET TRUE;

-- A client that hangs in a transaction holds back vacuum and blocks others; these bounds hold for every client of a role.
-- One that falls silent within a statement is ended by the services themselves, after the same time.
ALTER ROLE symbol_batch SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE symbol_batch SET statement_timeout = '120s';
ALTER ROLE symbol_batch SET lock_timeout = '10s';
ALTER ROLE portfolio_refresh SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE portfolio_refresh SET statement_timeout = '60s';
ALTER ROLE portfolio_refresh SET lock_timeout = '10s';
ALTER ROLE onboarding SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE onboarding SET statement_timeout = '30s';
ALTER ROLE onboarding SET lock_timeout = '10s';
ALTER ROLE analytics SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE analytics SET statement_timeout = '30s';
ALTER ROLE analytics SET lock_timeout = '5s';
