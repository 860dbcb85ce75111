#!/bin/sh
# Before anything else starts: random passwords, made once and kept in the volume, and what each process is to be told.
#
#   passwords/<role>      for the step that gives the database's roles their passwords; no service sees this folder
#   <service>/            what one service alone mounts: files that are called after its settings (RISKSTREAM_SECRETS_DIR)
#
# It runs at every start and changes nothing that is right. The demo's issuer and market are used where they run, so that
# no default of theirs is left behind in a system without them.
set -eu
cd "${1:-/var/lib/riskstream}"

say() { # say <file> <value>: whole or not at all, and readable for the one user of the container that mounts it
  mkdir -p "$(dirname "$1")"
  printf '%s\n' "$2" > "$1.new"
  chmod 0444 "$1.new"
  mv -f "$1.new" "$1"
}

password() { # password <name>: the one that was made at the first start
  if [ ! -s "passwords/$1" ]; then say "passwords/$1" "$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')"; fi
  cat "passwords/$1"
}

runs() { getent hosts "$1" > /dev/null; }

if [ -z "${RISKSTREAM_AUTH_ISSUER:-}" ] && ! runs issuer; then
  cat >&2 <<'MESSAGE'
RISKSTREAM_AUTH_ISSUER is not set, so nobody's token could be verified. Name your OpenID Connect provider, in the
environment or in a file .env beside docker-compose.yml:

    RISKSTREAM_AUTH_ISSUER=https://login.example.com/realms/risk

or look at the demo, which has an issuer, a market and portfolios of its own: docker compose --profile demo up
MESSAGE
  exit 1
fi

say postgres/password "$(password postgres)"
say valkey/password "$(password valkey)"
say valkey/valkey.conf "requirepass $(password valkey)"
say grafana/password "$(password grafana)"
say migrator/riskstream_migrator_dsn \
  "postgresql://riskstream_migrator:$(password riskstream_migrator)@postgres:5432/riskstream"
say analytics/riskstream_redis_url "redis://:$(password valkey)@valkey:6379/0"

for role in symbol_batch portfolio_refresh onboarding analytics; do
  service=$(echo "$role" | tr _ -)
  say "$service/riskstream_postgres_dsn" "postgresql://$role:$(password "$role")@postgres:5432/riskstream"
  if [ -n "${RISKSTREAM_AUTH_ISSUER:-}" ]; then
    rm -f "$service/riskstream_auth_issuer" # the variable says it
  else
    say "$service/riskstream_auth_issuer" "http://issuer:8000"
  fi
done

if runs market-simulator; then
  say symbol-batch/riskstream_yahoo_url "http://market-simulator:8000"
else
  rm -f symbol-batch/riskstream_yahoo_url # Yahoo's own hosts
fi
