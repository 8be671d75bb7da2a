"""The compose file and the Dockerfile agree with the code, as far as that shows without an engine."""

import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from deploy.local.nats import PROVISIONER, permissions, provisioner_permissions
from deploy.local.stack import SERVER_OPTIONS
from deploy.secret_files import make_secrets
from shared.access.keys import public_key_of
from shared.settings import SERVICES, ServiceName, ServiceSettings

ROOT = Path(__file__).resolve().parents[2]
OWN_IMAGES = re.compile(r"videnbro/\w+")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return content


@pytest.fixture(scope="module")
def secrets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installation") / "secrets"
    make_secrets(folder)
    return folder


def given_secrets(container: dict[str, Any]) -> dict[str, str]:
    """Name inside the container -> name of the secret."""
    entries: list[Any] = container.get("secrets", [])
    pairs: list[dict[str, str]] = [each if isinstance(each, dict) else {"source": each} for each in entries]
    return {pair.get("target", pair["source"]): pair["source"] for pair in pairs}


def test_an_old_compose_reads_it_too(compose: dict[str, Any]) -> None:
    assert {key for key in compose if not key.startswith("x-")} == {"services", "volumes", "secrets"}


def test_every_named_secret_is_made_and_every_made_one_is_used(compose: dict[str, Any], secrets_folder: Path) -> None:
    declared = {name: Path(entry["file"]).name for name, entry in compose["secrets"].items()}
    used = {name for each in compose["services"].values() for name in given_secrets(each).values()}
    assert used == set(declared)
    assert set(declared.values()) == {path.name for path in secrets_folder.iterdir()}


def test_whoever_is_waited_for_is_there(compose: dict[str, Any]) -> None:
    for name, container in compose["services"].items():
        missing = set(container.get("depends_on", {})) - set(compose["services"])
        assert not missing, f"{name} waits for {missing}"


def test_every_image_of_ours_is_built_by_the_file(compose: dict[str, Any]) -> None:
    images = {each["image"] for each in compose["services"].values()}
    built = {each["image"] for each in compose["services"].values() if "build" in each}
    assert {image for image in images if OWN_IMAGES.fullmatch(image)} == built


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_in_production_mode_on_what_compose_gives_it(
    service: ServiceName, compose: dict[str, Any], secrets_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = compose["services"][service]
    for name, source in given_secrets(container).items():
        file = Path(compose["secrets"][source]["file"]).name
        (tmp_path / name).write_text((secrets_folder / file).read_text())
    for name, value in container["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value))
    monkeypatch.setenv("VIDENBRO_SECRETS_DIR", str(tmp_path))

    settings = ServiceSettings.load()

    assert settings.mode == "production"
    assert settings.nats_user == service
    assert f"//{service}:" in settings.database_url
    assert settings.public_urls[service] == f"http://localhost:800{SERVICES.index(service) + 1}"
    assert (settings.jwt_private_key is not None) == (service == "matching")


def test_only_the_services_are_published_each_on_a_port_of_its_own(compose: dict[str, Any]) -> None:
    ports = {name: each["ports"] for name, each in compose["services"].items() if "ports" in each}
    assert ports == {service: [f"127.0.0.1:800{number}:8000"] for number, service in enumerate(SERVICES, start=1)}


def test_our_containers_cannot_write_to_themselves_nor_gain_rights(compose: dict[str, Any]) -> None:
    for name, container in compose["services"].items():
        if OWN_IMAGES.fullmatch(container["image"]) and name != "mail":
            assert container["read_only"], name
            assert container["cap_drop"] == ["ALL"], name


def test_the_production_bus_allows_each_service_exactly_what_the_embedded_one_does() -> None:
    text = (ROOT / "deploy" / "nats" / "nats.conf").read_text()
    sections = re.split(r"user: (\w+), password: \$(\w+)", text)[1:]
    allowed = {
        who: set(re.findall(r'"([^"]+)"', body)) for who, body in zip(sections[::3], sections[2::3], strict=True)
    }
    expected = {service: permissions(service) for service in SERVICES} | {PROVISIONER: provisioner_permissions()}
    assert allowed == {
        who: {*rules["publish"]["allow"], *rules["subscribe"]["allow"]} for who, rules in expected.items()
    }


def test_the_bus_is_given_the_passwords_its_file_asks_for(secrets_folder: Path) -> None:
    text = (ROOT / "deploy" / "nats" / "nats.conf").read_text()
    given = dict(re.findall(r'(\w+): "(.+)"', (secrets_folder / "nats_passwords.conf").read_text()))
    assert set(given) == set(re.findall(r"\$(\w+_PASSWORD)", text))


def test_only_the_owner_of_the_installation_reaches_the_secrets(secrets_folder: Path) -> None:
    assert stat.S_IMODE(secrets_folder.stat().st_mode) == 0o700
    ignored = (ROOT / "deploy" / "secrets" / ".gitignore").read_text().split()
    assert ignored == ["*", "!.gitignore"]


def test_making_secrets_again_keeps_them_and_a_deleted_one_is_replaced_wherever_it_stands(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    make_secrets(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before

    (tmp_path / "events_database_password").unlink()
    make_secrets(tmp_path)

    after = {path.name: path.read_text() for path in tmp_path.iterdir()}
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"events_database_password", "events_database_url"}
    assert after["events_database_password"].strip() in after["events_database_url"]


def test_the_public_key_belongs_to_the_private_one(secrets_folder: Path) -> None:
    public = (secrets_folder / "jwt_public_key").read_text().strip()
    assert public == public_key_of((secrets_folder / "jwt_private_key").read_text()).strip()
    load_pem_public_key(public.encode())


def test_each_image_has_its_hashed_packages() -> None:
    for service in SERVICES:
        lines = (ROOT / "deploy" / "requirements" / f"{service}.txt").read_text()
        pinned = re.findall(r"^\S+==\S+.*\\$", lines, re.MULTILINE)
        assert len(pinned) == len(re.findall(r"^\S+==", lines, re.MULTILINE)) > 20
        assert "://" not in lines


def test_the_image_carries_one_service_and_nothing_of_the_others() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+)", text, re.MULTILINE)
    assert copied == ["deploy/requirements/${SERVICE}.txt", "shared", "services/__init__.py", "services/${SERVICE}"]
    assert re.search(r"^USER 10001$", text, re.MULTILINE)


def test_the_bus_is_asked_whether_it_can_write_too(compose: dict[str, Any]) -> None:
    """With `js-enabled-only` or `js-server-only` it says 200 while its disk is full."""
    assert compose["services"]["nats"]["healthcheck"]["test"][-1].endswith(":8222/healthz")


def test_an_image_starts_its_service_as_the_local_stack_does() -> None:
    command = (ROOT / "deploy" / "Dockerfile").read_text().rpartition("CMD")[2]
    assert " ".join(SERVER_OPTIONS) in command
