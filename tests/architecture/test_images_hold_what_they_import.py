"""Each image installs only its service's requirements: whatever its code imports, also late, must be among them."""

import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from shared.settings import SERVICES
from tests.architecture.graph import graph

ROOT = Path(__file__).parents[2]
OURS = {"services", "shared"}


def imported(service: str) -> set[str]:
    """The outside packages that a service and what it uses of `shared` import anywhere, at the top or in a function."""
    modules = graph().find_upstream_modules(f"services.{service}", as_package=True)
    modules |= {f"services.{service}", *graph().find_descendants(f"services.{service}"), "shared.migrations"}
    outside = {found for module in modules for found in graph().find_modules_directly_imported_by(module)}
    return {name.split(".")[0] for name in outside} - OURS - set(sys.stdlib_module_names)


def required(service: str) -> set[str]:
    lines = (ROOT / "deploy" / "requirements" / f"{service}.txt").read_text().splitlines()
    return {_plain(found[1]) for line in lines if (found := re.match(r"([A-Za-z0-9_.-]+)==", line))}


def _plain(name: str) -> str:
    """As the packaging specification compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_has_every_library_its_service_imports(service: str) -> None:
    known = packages_distributions()
    needed = {name: {_plain(each) for each in known.get(name, [name])} for name in imported(service)}
    missing = {name for name, distributions in needed.items() if not distributions & required(service)}
    assert missing == set()
