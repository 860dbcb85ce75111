#!/bin/sh
# The database's roles, schemas and time-outs, and the roles' passwords. Running it again changes nothing.
set -eu
export PGHOST=postgres PGUSER=postgres PGDATABASE=riskstream PGCONNECT_TIMEOUT=10
PGPASSWORD=$(cat /run/passwords/postgres)
export PGPASSWORD

psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --file /etc/riskstream/roles.sql
for role in riskstream_migrator symbol_batch portfolio_refresh onboarding analytics; do
  # psql reads the password itself: what stands in a command line can be read by every process.
  psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 <<SQL
\\set password \`cat /run/passwords/$role\`
ALTER ROLE $role PASSWORD :'password';
SQL
done
