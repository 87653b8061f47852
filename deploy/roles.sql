-- Two roles: one owns the tables, migrates and backs up; the other answers requests and sees one practice at a time.
-- As a superuser, with OWNER_PASSWORD and APP_PASSWORD in the environment: psql --file deploy/roles.sql
\set ON_ERROR_STOP on
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
CREATE ROLE portal_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE portal_app LOGIN PASSWORD :'app_password';
CREATE DATABASE portal OWNER portal_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE portal FROM PUBLIC;
GRANT CONNECT ON DATABASE portal TO portal_app;
ALTER ROLE portal_app SET statement_timeout = '15s';
ALTER ROLE portal_app SET idle_in_transaction_session_timeout = '30s';
ALTER DATABASE portal SET jit = off;
ALTER DATABASE portal SET random_page_cost = 1.1;
ALTER DATABASE portal SET max_parallel_workers_per_gather = 0;
