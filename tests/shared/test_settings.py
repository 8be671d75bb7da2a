"""Production starts only with keys of its own."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from shared.settings import DEVELOPMENT_LINK_SECRET, ServiceSettings
from tests.support.callers import PUBLIC_KEY

FIT: dict[str, Any] = {
    "mode": "production",
    "link_secret": "x" * 32,
    "jwt_public_key": PUBLIC_KEY,
    "database_url": "postgresql+asyncpg://events@db/events",
}


def test_production_with_keys_of_its_own_starts() -> None:
    assert ServiceSettings(**FIT).mode == "production"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"link_secret": DEVELOPMENT_LINK_SECRET}, "link_secret"),
        ({"link_secret": "too short"}, "link_secret"),
        ({"jwt_public_key": None}, "jwt_public_key"),
        ({"database_url": "sqlite+aiosqlite://"}, "database_url"),
    ],
)
def test_production_refuses_what_is_for_development(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        ServiceSettings(**{**FIT, **change})


def test_a_secret_is_read_from_its_file_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "videnbro_link_secret").write_text("a secret in a file, as long as it must be\n")
    monkeypatch.setenv("VIDENBRO_SECRETS_DIR", str(tmp_path))
    settings = ServiceSettings.load()
    assert settings.link_secret.get_secret_value() == "a secret in a file, as long as it must be"
    assert "a secret" not in repr(settings)


def test_a_variable_wins_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "videnbro_nats_url").write_text("nats://in.a.file:4222")
    monkeypatch.setenv("VIDENBRO_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("VIDENBRO_NATS_URL", "nats://in.a.variable:4222")
    assert ServiceSettings.load().nats_url == "nats://in.a.variable:4222"


def test_an_address_for_people_has_one_slash_where_it_should() -> None:
    settings = ServiceSettings(public_urls={"events": "https://example.org/", "matching": "x", "notify": "y"})
    assert settings.public_url("events", "/p/events/1") == "https://example.org/p/events/1"
