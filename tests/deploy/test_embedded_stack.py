"""`up --sample` for real: three services, the bus and the sample; a second start adds nothing."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.stack import ROOT
from tests.deploy.stack_process import StackProcess

pytestmark = pytest.mark.slow


@contextmanager
def sampled(folder: Path) -> Iterator[StackProcess]:
    stack = StackProcess(folder, "deploy.local", "--sample")
    try:
        stack.until_said("export EVENT=")
        yield stack
        stack.process.terminate()
        assert stack.ended() == 0, stack.said
    finally:
        stack.process.kill()
        stack.process.wait()


def all_of(address: str, **headers: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        asked = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = httpx.get(address, params=asked, headers=headers, timeout=60).raise_for_status().json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def test_the_sample_is_there_once_however_often_it_is_loaded(tmp_path: Path) -> None:
    with sampled(tmp_path) as stack:
        first = stack.exported
        events, matching = stack.addresses["events"], stack.addresses["matching"]
        assert [event["id"] for event in all_of(f"{events}/v1/events")] == [first["EVENT"]]
        assert len(all_of(f"{matching}/v1/organisations")) == 104
        as_organiser = {"Authorization": f"Bearer {first['ORGANISER']}"}
        assert all_of(f"{events}/v1/events/{first['EVENT']}/attendees", **as_organiser) == []
        as_member = {"Authorization": f"Bearer {first['MEMBER']}"}
        own = f"{matching}/v1/organisations/{first['ORGANISATION']}"
        assert httpx.get(f"{own}/suggestions", headers=as_member, timeout=60).raise_for_status().json()["items"]
        asked = ["--role", "admin", "--email", "sekretariat@example.org", "--data", str(stack.data)]
        token = subprocess.check_output([sys.executable, "-m", "deploy.local.tokens", *asked], cwd=ROOT, text=True)
        as_admin = {"Authorization": f"Bearer {token.strip()}"}
        letters = httpx.get(f"{events}/ops/dead-letters", headers=as_admin, timeout=60)
        assert letters.raise_for_status().json()["items"] == []
    with sampled(tmp_path) as stack:
        again = stack.exported
        assert {name: again[name] for name in ("EVENT", "ORGANISATION")} == {
            name: first[name] for name in ("EVENT", "ORGANISATION")
        }
        assert len(all_of(f"{stack.addresses['events']}/v1/events")) == 1
        assert len(all_of(f"{stack.addresses['matching']}/v1/organisations")) == 104
