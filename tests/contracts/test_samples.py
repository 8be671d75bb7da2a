"""One sample of every message stays here for good: whoever reads messages reads all of them, also the oldest."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
from sqlalchemy import func, select

from shared.contracts import events, matching, notify
from shared.contracts.message import Contract, Envelope, Message, PersonalData
from shared.database import Database
from shared.messaging.subscriptions import Subscriptions
from shared.messaging.tables import handled_messages
from shared.settings import SERVICES, ServiceName
from tests.conftest import NewDatabase
from tests.support.heard import heard
from tests.support.services import settings_for

MODULES = {module.__name__ for module in (events, matching, notify)}
FOLDER = Path(__file__).parent / "samples"
SAMPLES = sorted(FOLDER.glob("*.json"))
TYPES = sorted(name for name, kind in Message.known.items() if kind.__module__ in MODULES)
# What tells of a person. A field more is a decision: what reads feeds and webhooks without the scope goes without it.
PERSONAL = {
    "AttendeeChange.previous_email",
    "AttendeeChange.previous_name",
    "ContactPerson.email",
    "ContactPerson.name",
    "ContactPerson.phone",
    "EventContact.email",
    "EventContact.name",
    "ExportedAttendee.email",
    "ExportedAttendee.job_title",
    "ExportedAttendee.name",
    "ExportedLetter.email",
    "ExportedLetter.name",
    "ExportedLetter.subject",
    "ExportedLetter.text",
    "IntroductionParty.message",
    "MemberFacts.email",
    "MemberFacts.name",
    "OrganisationContact.email",
    "OrganisationContact.name",
    "OrganisationContact.phone",
    "OrganisationContact.title",
    "Proposal.message",
    "RegisteredAttendee.email",
    "RegisteredAttendee.name",
    "SignInRequested.email",
    "SignInRequested.name",
}


def sample(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return read


def contracts(kind: type[Contract] = Contract) -> Iterator[type[Contract]]:
    for below in kind.__subclasses__():
        if below.__module__ in {*MODULES, Message.__module__}:
            yield below
            yield from contracts(below)


def test_every_type_has_its_sample_and_no_other_is_there() -> None:
    assert [path.stem for path in SAMPLES] == TYPES


@pytest.mark.parametrize("name", TYPES)
def test_a_sample_is_an_envelope_of_its_type(name: str) -> None:
    told = sample(name)
    envelope = Envelope.model_validate(told)
    message = Message.known[name].model_validate(envelope.data)
    assert envelope.type == name
    assert envelope.source == f"/{name.split('.')[0]}"
    assert envelope.subject == str(message.aggregate_id)
    assert envelope.aggregateversion == message.version
    assert told["dataschema"] == f"/contracts/{name}"


@pytest.mark.parametrize("name", TYPES)
def test_a_sample_comes_out_as_it_went_in(name: str) -> None:
    data = sample(name)["data"]
    message = Message.known[name].model_validate(data)
    assert json.loads(message.model_dump_json(exclude_none=True)) == data


def test_every_field_of_every_contract_is_in_some_sample() -> None:
    seen: set[str] = set()

    def look(part: object) -> None:
        if isinstance(part, Contract):
            for owner in type(part).__mro__:
                own = vars(owner).get("__annotations__", {})
                seen.update(f"{owner.__name__}.{name}" for name in own if getattr(part, name, None) is not None)
            for name in type(part).model_fields:
                look(getattr(part, name))
        elif isinstance(part, tuple):
            for one in part:
                look(one)

    for name in TYPES:
        look(Message.known[name].model_validate(sample(name)["data"]))
    assert {f"{kind.__name__}.{name}" for kind, name, _ in own_fields() if kind is not Envelope} <= seen


def own_fields() -> Iterator[tuple[type[Contract], str, Any]]:
    """Each field once, at the class that names it."""
    for kind in contracts():
        hints = get_type_hints(kind, include_extras=True)
        for name in vars(kind).get("__annotations__", {}):
            if name in kind.model_fields:
                yield kind, name, hints[name]


def is_personal(hint: Any) -> bool:
    if get_origin(hint) is Annotated and any(isinstance(mark, PersonalData) for mark in hint.__metadata__):
        return True
    return any(is_personal(part) for part in get_args(hint))


def test_what_tells_of_a_person_is_marked() -> None:
    marked = {f"{kind.__name__}.{name}" for kind, name, hint in own_fields() if is_personal(hint)}
    assert marked == PERSONAL


def test_no_address_or_telephone_of_a_person_goes_unmarked() -> None:
    for kind, name, hint in own_fields():
        if "email" in name or "phone" in name:
            assert is_personal(hint), f"{kind.__name__}.{name}"


def test_what_a_newer_teller_adds_is_no_trouble_for_an_older_reader() -> None:
    for name in TYPES:
        data = sample(name)["data"]
        assert Message.known[name].model_validate(data | {"added_later": {"a": 1}}) == Message.known[
            name
        ].model_validate(data)


def subscriptions_of(service: str) -> Subscriptions:
    found: Subscriptions = importlib.import_module(f"services.{service}.subscriptions").subscriptions
    return found


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "backwards"])
async def test_every_service_handles_every_sample_in_any_order(
    service: ServiceName, backwards: bool, new_database: NewDatabase
) -> None:
    """Also those it does not listen to. One that must wait for another fails until that one is handled."""
    told = [path.read_bytes() for path in SAMPLES]
    if backwards:
        told.reverse()
    database = database_of(service, await new_database(service))
    try:
        for _ in range(2):
            await handled(database, subscriptions_of(service), told)
        async with database.reading() as session:
            statement = select(func.count()).select_from(handled_messages)
            assert (await (await session.connection()).execute(statement)).scalar_one() == len(SAMPLES)
    finally:
        await database.close()


def database_of(service: ServiceName, url: str) -> Database:
    """As the service has it, with its steps before the commit."""
    settings = importlib.import_module(f"services.{service}.settings").Settings
    create_app = importlib.import_module(f"services.{service}.app").create_app
    found: Database = create_app(settings_for(settings, service, url)).state.database
    return found


async def handled(database: Database, subscriptions: Subscriptions, told: list[bytes]) -> None:
    """Each in a transaction of its own; what failed again after the others, as long as any goes well."""
    failed: dict[bytes, Exception] = {}
    for envelope in told:
        try:
            async with database.transaction() as session:
                await subscriptions.handle(session, [heard(envelope)])
        except Exception as failure:
            failed[envelope] = failure
    if len(failed) == len(told):
        raise ExceptionGroup("none of these can be handled", list(failed.values()))
    if failed:
        await handled(database, subscriptions, list(failed))
