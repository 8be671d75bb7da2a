"""Makes the secrets of a production installation: one file each in a folder, for compose or a cluster.

Run as `python -m deploy.secret_files`. What is there is kept; to change a secret, delete its file and run it
again:
the files made of others (addresses, the public key, the list for the bus) follow.
"""

import argparse
import secrets
from pathlib import Path

from shared.access.keys import new_key_pair, public_key_of
from shared.access.links import SHARES, share_of
from shared.messaging.topology import LISTENERS

FOLDER = Path(__file__).resolve().parent / "secrets"
BUS = (*LISTENERS, "provision")


def write(path: Path, text: str) -> None:
    """Readable for all: a container's account is not ours. The folder is what keeps others out."""
    path.touch(mode=0o600)
    path.write_text(text + "\n")
    path.chmod(0o444)


def secret(path: Path) -> str:
    """The secret of that name, made when there is none yet."""
    if not path.exists():
        write(path, secrets.token_urlsafe(36))
    return path.read_text().strip()


def signing_key(path: Path) -> str:
    """The private key there, made when there is none yet."""
    if not path.exists():
        write(path, new_key_pair()[0].strip())
    return path.read_text()


def replace(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    write(path, text)


def make_secrets(folder: Path, database_host: str = "postgres") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    secret(folder / "postgres_password")
    whole = secret(folder / "link_secret")
    for service in SHARES:
        replace(folder / f"{service}_link_secret", share_of(whole, service))
    replace(folder / "jwt_public_key", public_key_of(signing_key(folder / "jwt_private_key")).strip())
    if not (folder / "issuer_secrets").exists():
        # What identity providers know us by: theirs to give, so there is none to make.
        write(folder / "issuer_secrets", "{}")
    for service in LISTENERS:
        password = secret(folder / f"{service}_database_password")
        url = f"postgresql+asyncpg://{service}:{password}@{database_host}/{service}"
        replace(folder / f"{service}_database_url", url)
    passwords = {who: secret(folder / f"{who}_nats_password") for who in BUS}
    lines = [f'{who.upper()}_PASSWORD: "{password}"' for who, password in passwords.items()]
    replace(folder / "nats_passwords.conf", "\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(prog="secret_files", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--database-host", default="postgres")
    arguments = parser.parse_args()
    make_secrets(arguments.folder, arguments.database_host)
    print(f"the secrets are in {arguments.folder}: keep a copy, and keep them out of the repository")


if __name__ == "__main__":
    main()
