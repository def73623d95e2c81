#!/bin/bash
# Stands in for the entry point of the official image postgres:18, where a test runs its container as a process: the
# same variables in the same order, and a real PostgreSQL. It listens on loopback alone.
set -euo pipefail
init=${INIT_FOLDER:-/docker-entrypoint-initdb.d}
sockets=$(mktemp -d)
if [[ ! -s $PGDATA/PG_VERSION ]]; then
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  # shellcheck disable=SC2086 # several words are meant
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --no-sync $POSTGRES_INITDB_ARGS
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  pg_ctl --wait --options "-c listen_addresses='' -c unix_socket_directories=$sockets" start
  export PGHOST=$sockets
  for file in "$init"/*.sh; do
    # shellcheck disable=SC1090
    . "$file"
  done
  unset PGHOST
  pg_ctl --wait --mode fast stop
fi
exec "$@" -c listen_addresses=127.0.0.1 -c "unix_socket_directories=$sockets"
