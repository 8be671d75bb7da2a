"""Offers and needs: their ids, who may read them, and until when they hold."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.database import uuid7
from shared.problems import Invalid

StoredStatement = dict[str, Any]

HERE = ZoneInfo("Europe/Copenhagen")


def today() -> date:
    """The date in Denmark."""
    return datetime.now(HERE).date()


def with_ids(
    statements: Iterable[StoredStatement], held: Sequence[StoredStatement], pointer: str
) -> list[StoredStatement]:
    """The statements, each with its id: kept where it is one of those held, made where none is given.

    Raises Invalid for an id that is unknown here or comes twice.
    """
    known, used, done = {each["id"] for each in held}, set[str](), []
    for at, each in enumerate(statements):
        identity = each.get("id")
        if identity is not None and identity not in known:
            raise Invalid.field(f"{pointer}/{at}/id", "not an id of this profile; leave it out for a new one")
        if identity in used:
            raise Invalid.field(f"{pointer}/{at}/id", "comes twice")
        done.append({**each, "id": identity or str(uuid7())})
        used.add(done[-1]["id"])
    return done


def keeping_ids(statements: Iterable[StoredStatement], held: Sequence[StoredStatement]) -> list[StoredStatement]:
    """The statements with the ids of those held that say the same, else none; for sources that know no ids of ours."""
    left = [dict(each) for each in held]
    done = []
    for each in statements:
        same = next((old for old in left if _words(old) == _words(each)), None)
        if same is not None:
            left.remove(same)
        done.append({**each, "id": same["id"] if same else None})
    return done


def joined(held: Sequence[StoredStatement], others: Iterable[StoredStatement]) -> list[StoredStatement]:
    """Those held, and of the others those that say something else."""
    done = list(held)
    said = [_said(each) for each in held]
    for each in others:
        if _said(each) not in said:
            said.append(_said(each))
            done.append(each)
    return done


def _said(statement: StoredStatement) -> tuple[Any, ...]:
    """What it says, however it is spaced and capitalised, and whoever may read it until when."""
    texts = tuple(" ".join(text.casefold().split()) for text in texts_of(statement))
    return statement["category"], texts, statement.get("resource")


def _words(statement: StoredStatement) -> StoredStatement:
    return {name: value for name, value in statement.items() if name != "id"}


def holding(statements: Iterable[StoredStatement], day: date) -> list[StoredStatement]:
    """Those that still hold on that day."""
    return [each for each in statements if each.get("valid_until") is None or each["valid_until"] >= day.isoformat()]


def readable(statements: Iterable[StoredStatement], *, members_parts: bool) -> list[StoredStatement]:
    """Those that the reader may see, and that hold today."""
    return [each for each in holding(statements, today()) if members_parts or each["visibility"] == "public"]


def first_lapse(statements: Iterable[StoredStatement]) -> date | None:
    """The first day after today on which one of them no longer holds."""
    ends = [each["valid_until"] for each in holding(statements, today()) if each.get("valid_until")]
    return date.fromisoformat(min(ends)) + timedelta(days=1) if ends else None


def texts_of(statement: StoredStatement) -> tuple[str, ...]:
    """Title and text, in every language given."""
    return (*(statement.get("title") or {}).values(), *statement["text"].values())
