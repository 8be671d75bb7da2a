"""How soon people are told: from the 201 of a sign-up to the row in the inbox and to the mail in the sink.

    python3 dev.py bench told [--sign-ups N]

The embedded stack (SQLite), one sign-up at a time. The inbox is looked at in notify's database, by a reader that polls
each millisecond; the mail's time is the one the sink kept it at.
"""

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bench.load import unique
from deploy.local.mailbox import messages
from tests.journeys.readme import stack

WITHIN_SECONDS = 10.0
PAUSE_SECONDS = 0.05


def an_event(client: httpx.Client, token: str) -> str:
    start = datetime.now(UTC) + timedelta(days=28)
    event = {
        "title": {"en": "Bench"},
        "venue": {"name": "Hall"},
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=2)).isoformat(),
    }
    headers = {"Authorization": f"Bearer {token}"}
    drafted = client.post("/v1/events", json=event, headers=headers).raise_for_status().json()
    client.post(f"/v1/events/{drafted['id']}/publish", headers=headers).raise_for_status()
    return f"/v1/events/{drafted['id']}/registrations"


def waited(look: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not told within {WITHIN_SECONDS} s")
        time.sleep(0.001)


def one(client: httpx.Client, path: str, inbox: sqlite3.Connection, mails: Path) -> tuple[float, float]:
    """Seconds to the inbox row and to the mail."""
    address = f"told{unique()}@example.org"
    body = {
        "contact": {"name": "Mette Holm", "email": address},
        "attendees": [{"name": "Mette Holm", "email": address}],
    }
    before = set(mails.glob("*.eml"))
    client.post(path, json=body).raise_for_status()
    answered = time.time()
    question = "SELECT 1 FROM notifications JOIN contacts ON contacts.id = contact_id WHERE email = ?"
    waited(lambda: inbox.execute(question, (address,)).fetchone())
    in_inbox = time.time()
    waited(lambda: any(address in path.read_text() for path in set(mails.glob("*.eml")) - before))
    kept = next(path for path in sorted(set(mails.glob("*.eml")) - before) if address in path.read_text())
    at = datetime.strptime(kept.name.rsplit("-", 1)[0], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC).timestamp()
    return in_inbox - answered, at - answered


def report(name: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    last = ordered[int(len(ordered) * 0.99)]
    print(f"201 to {name:22} median {statistics.median(ordered) * 1000:6.1f} ms   p99 {last * 1000:6.1f} ms")


def main(sign_ups: int) -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        stack(Path(name)) as told,
        httpx.Client(base_url=told["EVENTS"]) as client,
    ):
        mails = Path(told["DATA"]) / "mail"
        inbox = sqlite3.connect(f"file:{told['DATA']}/notify.db?mode=ro", uri=True)
        path = an_event(client, told["ORGANISER"])
        for _ in range(20):
            one(client, path, inbox, mails)
        seconds = []
        for _ in range(sign_ups):
            seconds.append(one(client, path, inbox, mails))
            time.sleep(PAUSE_SECONDS)
        report("the inbox row", [each[0] for each in seconds])
        report("the mail in the sink", [each[1] for each in seconds])
        print(f"{sign_ups} sign-ups, {len(list(messages(mails)))} mails")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sign-ups", type=int, default=200)
    main(parser.parse_args().sign_ups)
