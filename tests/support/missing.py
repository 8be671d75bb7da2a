"""What this machine lacks: a reason to skip at a developer's desk, a failure where everything is promised."""

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip loudly, or fail where VIDENBRO_REQUIRE_ALL is set, as it is in CI."""
    if os.environ.get("VIDENBRO_REQUIRE_ALL"):
        pytest.fail(f"{what} is missing, and VIDENBRO_REQUIRE_ALL allows no skip")
    pytest.skip(f"{what} is missing")
