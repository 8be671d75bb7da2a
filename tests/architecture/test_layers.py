"""Two hops: routes and pages translate, everything else decides. A library has one door."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from shared.settings import SERVICES
from tests.architecture.graph import graph, imported_by, rules_of

WIRES = {"nats", "httpx"}
DOORS = (
    "aiosmtplib",
    "alembic",
    "httpx",
    "icalendar",
    "jinja2",
    "jwt",
    "segno",
    "sklearn",
    "snowballstemmer",
    "stdnum",
)
# Imports each module named on stdin, and prints which of them asked for a web framework, however far below.
LOOK = """
import importlib, json, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("fastapi", "starlette"):
            asked.append(module)
            raise ModuleNotFoundError(name)

asked = []
sys.meta_path.insert(0, Watch())
for module in json.load(sys.stdin):
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as missing:
        if module not in asked:
            raise
assert not {"fastapi", "starlette"} & set(sys.modules)
print(json.dumps(asked))
"""


def test_no_rule_loads_a_web_framework() -> None:
    rules = sorted(rule for home in ("shared", *(f"services.{each}" for each in SERVICES)) for rule in rules_of(home))
    done = subprocess.run([sys.executable, "-c", LOOK], input=json.dumps(rules), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("service", SERVICES)
def test_rules_do_not_import_the_bus(service: str) -> None:
    wired = {module: imported_by(module) & WIRES for module in rules_of(f"services.{service}")}
    assert {module: found for module, found in wired.items() if found} == {}


@pytest.mark.parametrize("library", DOORS)
def test_a_library_has_one_door_in_a_service_and_one_in_what_they_share(library: str) -> None:
    doors = graph().find_modules_that_directly_import(library) if library in graph().modules else set()
    owners = Counter(owner_of(door) for door in doors)
    assert all(count == 1 for count in owners.values()), doors


def owner_of(module: str) -> str:
    """`shared`, or the service."""
    return "shared" if module.startswith("shared.") else ".".join(module.split(".")[:2])
