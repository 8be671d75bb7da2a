"""Loads the sample through the public interface: the organisations and one event. Loading again adds nothing."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx

from deploy.local.data_folder import DataFolder
from deploy.local.stack import ROOT
from deploy.local.tokens import sign

FOLDER = ROOT / "deploy" / "sample"
SECRETARIAT = "sekretariat@example.org"
ORGANISER = "anna@example.org"

Line = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """What is loaded: organisations by their key in the sample, whose event it is, and the event."""

    organisations: Mapping[str, UUID]
    organiser: UUID
    event: Mapping[str, Any]


def load_sample(folder: DataFolder, urls: Mapping[str, str]) -> Sample:
    wanted = json.loads((FOLDER / "event.json").read_text())
    admin = bearer(sign(folder, SECRETARIAT, "admin"))
    with httpx.Client(base_url=urls["matching"], headers=admin, timeout=60) as matching:
        organisations = load_organisations(matching)
    organiser = organisations[wanted.pop("organiser_key")]
    token = bearer(sign(folder, ORGANISER, "organiser", organiser))
    with httpx.Client(base_url=urls["events"], headers=token, timeout=60) as events:
        event = find_event(events, wanted["title"]) or make_event(events, wanted)
    return Sample(organisations, organiser, event)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def load_organisations(matching: httpx.Client) -> dict[str, UUID]:
    """Their ids by their keys in the sample. In one import with those that some of them are units of."""
    lines = b"".join((FOLDER / name).read_bytes() for name in ("holders.jsonl", "organisations.jsonl"))
    kind = {"Content-Type": "application/x-ndjson"}
    report = answer(matching.post("/v1/organisations/import", content=lines, headers=kind))
    return {row["key"]: UUID(row["id"]) for row in report["rows"]}


def find_event(events: httpx.Client, title: Mapping[str, str]) -> Line | None:
    """The coming one that an earlier start made."""
    return next((item for item in items(events, "/v1/events", kind="signing") if item["title"] == title), None)


def make_event(events: httpx.Client, wanted: Line) -> Line:
    draft = answer(events.post("/v1/events", json=dated(wanted)))
    return answer(events.post(f"/v1/events/{draft['id']}/publish"))


def dated(wanted: Line) -> Line:
    """The body of `POST /v1/events`: the sample's days from now and times of day become instants."""
    zone = ZoneInfo(wanted["timezone"])
    day = datetime.now(zone).date() + timedelta(days=wanted["starts_in_days"])
    body = {name: value for name, value in wanted.items() if not name.startswith(("starts_", "ends_"))}
    for edge in ("starts_at", "ends_at"):
        clock = time.fromisoformat(wanted[f"{edge}_local_time"])
        body[edge] = datetime.combine(day, clock, zone).isoformat()
    return body


def items(client: httpx.Client, path: str, **asked: str) -> Iterator[Line]:
    """All of a list, page by page."""
    cursor: str | None = None
    while True:
        page = answer(client.get(path, params={"limit": "100", **asked, **({"cursor": cursor} if cursor else {})}))
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def answer(response: httpx.Response) -> Line:
    if response.is_error:
        asked = f"{response.request.method} {response.request.url}"
        raise RuntimeError(f"{asked} answered {response.status_code}: {response.text[:2_000]}")
    body: Line = response.json()
    return body
