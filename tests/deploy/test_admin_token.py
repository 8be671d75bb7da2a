"""The first administrator: a short token from the secrets of an installation, and a line that says so."""

import stat
import subprocess
import sys
from pathlib import Path

import jwt
import pytest

from deploy.secret_files import make_secrets
from services.matching.app import create_app
from services.matching.settings import Settings
from tests.conftest import NewDatabase
from tests.support.services import running, settings_for

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_secrets(tmp_path / "secrets")
    return tmp_path / "secrets"


@pytest.fixture
def dialect() -> str:
    """Who is let in is the same on both databases."""
    return "sqlite"


def asked(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deploy.admin_token", "--secrets", str(folder), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


async def test_a_service_in_production_lets_it_in_as_an_administrator(folder: Path, new_database: NewDatabase) -> None:
    token = asked(folder, "--email", "anna@cluster.example.org").stdout.strip()
    settings = settings_for(
        Settings,
        "matching",
        await new_database("matching"),
        mode="production",
        link_secret=(folder / "link_secret").read_text().strip(),
        jwt_public_key=(folder / "jwt_public_key").read_text(),
        jwt_private_key=None,
    )
    async with running(create_app, settings) as client:
        answer = await client.get("/v1/organisations/claims", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        assert (await client.get("/v1/organisations/claims")).status_code == 401


def test_it_lasts_a_quarter_of_an_hour_and_is_written_down(folder: Path) -> None:
    answer = asked(folder, "--email", "anna@cluster.example.org")
    claims = jwt.decode(answer.stdout.strip(), options={"verify_signature": False})
    assert (claims["exp"] - claims["iat"], claims["roles"]) == (900, ["admin"])
    log = folder / "admin_tokens.log"
    assert "signed an administrator's token for anna@cluster.example.org until" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert answer.stdout.strip() not in log.read_text()
    asked(folder, "--email", "bo@cluster.example.org", "--minutes", "60")
    assert len(log.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--email", "anna"), "not an e-mail address"),
        (("--email", "anna@example.org", "--minutes", "61"), "invalid choice"),
        ((), "--email"),
    ],
)
def test_what_it_cannot_sign_is_said_and_not_written_down(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    answer = asked(folder, *arguments)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert said in answer.stderr
    assert not (folder / "admin_tokens.log").exists()


def test_without_secrets_the_command_that_makes_them_is_named(tmp_path: Path) -> None:
    answer = asked(tmp_path, "--email", "anna@example.org")
    assert answer.returncode == 2
    assert "python3 dev.py secrets" in answer.stderr
