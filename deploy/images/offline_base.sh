#!/bin/sh
# Makes local images under the names that deploy/Dockerfile and docker-compose.yml ask for, on a machine that
# reaches a Debian mirror but no image registry. For trying the images out; a real installation pulls the
# official ones.
#
#   deploy/images/offline_base.sh path/to/nats-server
#
# Needs root, debootstrap and a running Docker engine. Read from the environment:
#   MIRROR     Debian mirror (debootstrap's own default when unset)
#   CA_BUNDLE  certificates to trust inside the images, when a proxy signs its own
#   PIP_CONF   pip configuration to put into the Python image as /etc/pip.conf
#   DOCKER     the docker command (docker)
set -eu

nats_server=${1:?usage: offline_base.sh path/to/nats-server}
docker=${DOCKER:-docker}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# tree NAME PACKAGES: a minimal Debian with those packages, without caches and documentation.
tree() {
    # shellcheck disable=SC2086  # MIRROR is left out when empty
    debootstrap --variant=minbase --include="ca-certificates,$2" bookworm "$work/$1" ${MIRROR:-}
    rm -rf "$work/$1"/var/cache/apt/archives/*.deb "$work/$1"/var/lib/apt/lists/* "$work/$1"/usr/share/doc
    if [ -n "${CA_BUNDLE:-}" ]; then
        cp "$CA_BUNDLE" "$work/$1/etc/ssl/certs/ca-certificates.crt"
    fi
}

# import NAME IMAGE [CHANGE...]: the tree becomes an image, each CHANGE a Dockerfile instruction.
import() {
    name=$1 image=$2
    shift 2
    for change in "$@"; do
        set -- "$@" --change "$change"
        shift
    done
    tar -C "$work/$name" -c . | "$docker" import "$@" - "$image"
    rm -rf "${work:?}/$name"
}

image_of() { sed -n "s/^ *image: *\($1:.*\)$/\1/p" "$here/../../docker-compose.yml" | head -n 1; }

python_image=$(sed -n 's/^ARG PYTHON_IMAGE=//p' "$here/../Dockerfile")
tree python python3,python3-venv
ln -s /usr/bin/python3 "$work/python/usr/local/bin/python3"
if [ -n "${PIP_CONF:-}" ]; then
    cp "$PIP_CONF" "$work/python/etc/pip.conf"
fi
import python "$python_image" 'CMD ["python3"]'

tree postgres postgresql-15
install -m 755 "$here/postgres_entrypoint.sh" "$work/postgres/usr/local/bin/docker-entrypoint.sh"
rm -rf "$work"/postgres/var/lib/postgresql/15
mkdir -p "$work/postgres/docker-entrypoint-initdb.d"
import postgres "$(image_of postgres)" \
    'ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    'ENV PGDATA=/var/lib/postgresql/data' 'VOLUME /var/lib/postgresql/data' \
    'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["postgres"]'

tree nats wget
install -m 755 "$nats_server" "$work/nats/usr/local/bin/nats-server"
import nats "$(image_of nats)" 'CMD ["nats-server", "--config", "/etc/nats/nats-server.conf"]'
