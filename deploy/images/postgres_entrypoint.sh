#!/bin/sh
# What docker-compose.yml needs of the official PostgreSQL image's entrypoint, and no more: POSTGRES_USER,
# POSTGRES_PASSWORD(_FILE), POSTGRES_INITDB_ARGS and the scripts of /docker-entrypoint-initdb.d on an empty volume.
set -eu

if [ "${1:-}" != postgres ]; then
    exec "$@"
fi

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chown -R postgres:postgres "$PGDATA" /var/run/postgresql
    chmod 700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

export POSTGRES_USER="${POSTGRES_USER:-postgres}"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    password=$(mktemp)
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
        cat "$POSTGRES_PASSWORD_FILE" > "$password"
    else
        printf '%s' "${POSTGRES_PASSWORD:?a password is required}" > "$password"
    fi
    # shellcheck disable=SC2086  # several arguments are meant
    initdb --username="$POSTGRES_USER" --pwfile="$password" ${POSTGRES_INITDB_ARGS:-}
    rm "$password"
    printf '\nhost all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"

    # Nobody may connect over the network before the databases are there.
    pg_ctl start -w -o "-c listen_addresses=''"
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
            *.sh) echo "running $script"; sh "$script" ;;
            *.sql) psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --no-password -d postgres -f "$script" ;;
        esac
    done
    pg_ctl stop -w -m fast
fi
exec "$@" -c listen_addresses='*'
