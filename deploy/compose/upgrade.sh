#!/bin/sh
# Replace the running services by the images of this checkout, as docs/runbooks/compose.md says: build, expand the
# schemas under the old services, and only when every migration has succeeded put new services in their place, one after
# the other, each new replica ready before an old one goes. Where a migration fails nothing is replaced. Arguments go to
# docker compose before its command: --profile demo
set -eu
cd "$(dirname "$0")/../.."

docker compose "$@" build
for schema in symbols portfolios valuations; do
  docker compose "$@" run --rm --no-deps --quiet-pull "migrate-$schema" || {
    echo "the schema $schema was not migrated: it is as it was, and the old services go on serving" >&2
    exit 1
  }
done
docker compose "$@" run --rm --no-deps topics
for service in onboarding portfolio-refresh symbol-batch analytics; do
  replicas=$(docker compose "$@" ps --quiet "$service" | wc -l)
  # As many new ones beside the old ones, and when they are ready the old ones go: Compose removes what is out of date first.
  docker compose "$@" up --detach --no-deps --no-recreate --wait --scale "$service=$((2 * replicas))" "$service"
  docker compose "$@" up --detach --no-deps --wait --scale "$service=$replicas" "$service"
  sleep 2 # the proxy believes an address for 1 s: the next service must not be given one that it still takes for this one's
done
docker compose "$@" up --detach --no-deps --wait proxy
