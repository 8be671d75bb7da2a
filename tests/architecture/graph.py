"""Who imports whom in services and shared, and which of them are rules."""

from functools import cache

import grimp

from shared.settings import SERVICES

SPEAK_HTTP = (
    "shared.http",
    "shared.pages",
    *(f"services.{service}.{edge}" for service in SERVICES for edge in ("app", "pages", "routes", "service")),
)


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("services", "shared", include_external_packages=True, cache_dir=None)


def imported_by(module: str) -> set[str]:
    return set(graph().find_modules_directly_imported_by(module))


def rules_of(home: str) -> set[str]:
    """All modules of a service, or of shared, but those that speak HTTP."""
    return {
        module
        for module in graph().find_descendants(home)
        if not any(module == edge or module.startswith(f"{edge}.") for edge in SPEAK_HTTP)
    }
