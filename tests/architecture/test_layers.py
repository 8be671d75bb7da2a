"""Two hops: routes and pages translate, everything else decides. A library has one door."""

from collections import Counter
from functools import cache

import grimp
import pytest

from shared.settings import SERVICES

EDGES = ("app", "routes", "pages")
WIRES = {"fastapi", "starlette", "nats", "httpx"}
DOORS = (
    "aiosmtplib",
    "alembic",
    "icalendar",
    "jinja2",
    "jwt",
    "segno",
    "sklearn",
    "snowballstemmer",
    "stdnum",
)


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("services", "shared", include_external_packages=True)


def imported_by(module: str) -> set[str]:
    return set(graph().find_modules_directly_imported_by(module))


def rules_of(service: str) -> set[str]:
    """All modules of a service but those that speak HTTP."""
    home = f"services.{service}"
    spoken = {f"{home}.{edge}" for edge in EDGES}
    return {
        module
        for module in graph().find_descendants(home)
        if not any(module == edge or module.startswith(f"{edge}.") for edge in spoken)
    }


@pytest.mark.parametrize("service", SERVICES)
def test_rules_import_neither_the_web_nor_the_bus(service: str) -> None:
    wired = {module: imported_by(module) & WIRES for module in rules_of(service)}
    assert {module: found for module, found in wired.items() if found} == {}


@pytest.mark.parametrize("service", SERVICES)
def test_rules_do_not_know_the_routes_and_pages_that_call_them(service: str) -> None:
    rules = rules_of(service)
    own = f"services.{service}."
    upward = {(rule, module) for rule in rules for module in imported_by(rule) if module.startswith(own)}
    assert {(rule, module) for rule, module in upward if module not in rules} == set()


@pytest.mark.parametrize("library", DOORS)
def test_a_library_has_one_door_in_a_service_and_one_in_what_they_share(library: str) -> None:
    doors = graph().find_modules_that_directly_import(library) if library in graph().modules else set()
    owners = Counter(owner_of(door) for door in doors)
    assert all(count == 1 for count in owners.values()), doors


def owner_of(module: str) -> str:
    """`shared`, or the service."""
    return "shared" if module.startswith("shared.") else ".".join(module.split(".")[:2])
