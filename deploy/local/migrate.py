"""Brings the databases of the embedded stack to the newest schema: `python3 dev.py migrate`."""

import argparse
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from deploy.local.data_folder import SERVICES, DataFolder, add_data_option, add_database_option

VERSIONS = "services/{service}/migrations/versions"
ROOT = Path(__file__).resolve().parents[2]


def newest_revision(service: str) -> str:
    """Revisions are dated in their file names, so the last by name is the newest."""
    files = (ROOT / VERSIONS.format(service=service)).glob("2*.py")
    return max(path.stem.partition("__")[0] for path in files)


def revision_of(database: Path) -> str | None:
    """What a SQLite file says of itself, asked without the half second that importing Alembic costs."""
    if not database.exists():
        return None
    with closing(sqlite3.connect(database)) as connection:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    return None if row is None else str(row[0])


def behind(folder: DataFolder, prefix: str | None) -> list[str]:
    """The services whose database wants migrating; those on a database server are always asked."""
    if prefix is not None:
        return list(SERVICES)
    return [service for service in SERVICES if revision_of(folder.database(service)) != newest_revision(service)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 dev.py migrate", description=__doc__)
    add_data_option(parser)
    add_database_option(parser)
    arguments = parser.parse_args()
    folder = DataFolder(arguments.data.resolve())
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    services = behind(folder, arguments.database_prefix)
    urls = [f"--url={service}={folder.database_url(service, arguments.database_prefix)}" for service in services]
    if services:
        os.execv(sys.executable, [sys.executable, "-m", "shared.migrations", *services, *urls])  # noqa: S606


if __name__ == "__main__":
    main()
