"""A minute of mixed load on the real embedded stack; the long form is `python3 dev.py soak`."""

from pathlib import Path

import pytest

from tests.soak.soak import soak

pytestmark = pytest.mark.slow


async def test_a_minute_of_mixed_load_loses_nothing_and_leaves_everything_alive(tmp_path: Path) -> None:
    assert await soak(tmp_path, minutes=1, rate=4.0, seed=1, say=print) == []
