"""A small service for the tests of the common clothes: things that are made, one by one or together."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, FastAPI, Path, Request
from sqlalchemy import Column, ForeignKey, Identity, Table, Text, Uuid, insert, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.matching import OrganisationUpdated
from shared.database import Database, new_metadata, uuid7
from shared.fields import Email, Input, Line, LineTexts, Url
from shared.http.callers import AnyCaller
from shared.http.lists import Cursor, Limit
from shared.http.once import IdempotencyKey, OnceRoute
from shared.http.rendering import documented
from shared.http.running import Service
from shared.http.service import create_service
from shared.http.sessions import Reading, Transaction
from shared.messaging.outbox import tell
from shared.messaging.tables import Sequence as Number
from shared.messaging.tables import add_to
from shared.problems import Problem
from shared.settings import ServiceSettings
from shared.together import Later, Together

metadata = new_metadata()
owners = Table("owners", metadata, Column("id", Uuid, primary_key=True))
things = Table(
    "things",
    metadata,
    Column("id", Number, Identity(always=False), primary_key=True),
    Column("name", Text, nullable=False),
    # Checked at the commit: an owner that is not there makes the commit itself fail.
    Column("owner", Uuid, ForeignKey("owners.id", deferrable=True, initially="DEFERRED")),
)
add_to(metadata)


class NameTaken(Problem):
    status, slug, title = 409, "name-taken", "Somebody has that name"


class Thing(Input):
    name: Line
    owner: UUID | None = None


class Letter(Input):
    to: Email
    subject: LineTexts
    website: Url | None = None
    copies: list[Email] = []


async def make_tables(url: str) -> None:
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await database.close()


async def make_all(session: AsyncSession, asked: Sequence[Thing], waits: bool = True) -> list[str | Problem | Later]:
    """A rule for many: names that begin with "taken" are refused, "held" waits, "fault" is a fault of ours."""
    connection = await session.connection()
    answers: list[str | Problem | Later] = []
    for thing in asked:
        if thing.name.startswith("held") and not waits:
            answers.append(Later.LATER)
            continue
        if thing.name.startswith("taken"):
            answers.append(NameTaken(f"{thing.name} is taken"))
            continue
        await connection.execute(insert(things).values(name=thing.name, owner=thing.owner))
        if thing.name.startswith("fault"):
            raise RuntimeError("a fault in the rule")
        answers.append(thing.name)
    return answers


router = APIRouter(prefix="/v1/things", tags=["things"], route_class=OnceRoute)


@router.post("", status_code=201, responses=documented(NameTaken))
async def make_thing(
    thing: Thing, session: Transaction, caller: AnyCaller, key: IdempotencyKey = None
) -> dict[str, str | int]:
    (answer,) = await make_all(session, [thing])
    if isinstance(answer, Problem):
        raise answer
    assert not isinstance(answer, Later)
    tell(session, OrganisationUpdated(organisation_id=uuid7(), version=1, name=answer))
    return {"name": answer, "number": await count(session)}


@router.post("/together", status_code=201)
async def make_thing_together(thing: Thing, request: Request) -> dict[str, str]:
    return {"name": await request.app.state.together(thing)}


@router.get("")
async def list_things(session: Reading, limit: Limit = 20, cursor: Cursor = None) -> list[str]:
    return await names(session)


@router.get("/{thing}")
async def show_thing(thing: Annotated[int, Path(ge=1, le=2**31)]) -> dict[str, int]:
    return {"thing": thing}


other = APIRouter(tags=["other"])


@other.post("/v1/letters")
async def check_letter(letter: Letter) -> Letter:
    return letter


@other.get("/v1/faults")
async def fail() -> None:
    raise RuntimeError("a fault with a secret in it")


@other.get("/v1/me")
async def who_am_i(caller: AnyCaller) -> dict[str, Any]:
    return {"email": caller.email, "roles": sorted(caller.roles), "link": caller.link and caller.link.purpose.name}


async def names(session: AsyncSession) -> list[str]:
    return list((await (await session.connection()).scalars(select(things.c.name).order_by(things.c.id))).all())


async def count(session: AsyncSession) -> int:
    return len(await names(session))


async def made(app: FastAPI) -> list[str]:
    """The names of all things, in the order they were made."""
    async with app.state.database.reading() as session:
        return await names(session)


class Things(Service):
    def __init__(self, settings: ServiceSettings) -> None:
        super().__init__("matching", settings)
        self.together = Together(self.database, make_all, lambda thing: thing.name)


def create_app(settings: ServiceSettings) -> FastAPI:
    return create_service(Things(settings), title="Things", routers=[router, other])
