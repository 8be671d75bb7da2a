#!/bin/sh
# Runs once, on an empty volume: a database and a role for each service, and no way into another's.
set -eu

for service in events matching notify; do
    password=$(cat "/run/secrets/${service}_database_password")
    psql -v ON_ERROR_STOP=1 -v service="$service" -v password="$password" \
        --username "$POSTGRES_USER" --no-password --dbname postgres <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service";
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
SQL
done
