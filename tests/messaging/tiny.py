"""Two small services for the tests of the bus: `matching` tells of organisations, `notify` notes what it hears."""

from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import Column, Identity, Integer, Table, Text, Uuid, func, insert, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.matching import OrganisationCreated, OrganisationUpdated
from shared.database import Database, insert_for, new_metadata, uuid7
from shared.http.jobs import Job
from shared.http.running import Service
from shared.http.service import create_service
from shared.messaging.outbox import depth, tell
from shared.messaging.subscriptions import Subscriptions
from shared.messaging.tables import Sequence, add_to, dead_letters, failures, outbox
from shared.settings import ServiceSettings
from tests.support.services import a_moment

metadata = new_metadata()
# No unique column: whatever is done twice shows.
effects = Table(
    "effects",
    metadata,
    Column("id", Sequence, Identity(always=False), primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
)
copies = Table(
    "copies",
    metadata,
    Column("organisation_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
)
add_to(metadata)

Trouble = Callable[[OrganisationUpdated], Awaitable[None]]


async def make_tables(url: str) -> None:
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await database.close()


def organisation(name: str, version: int = 1, identity: UUID | None = None) -> OrganisationUpdated:
    return OrganisationUpdated(organisation_id=identity or uuid7(), version=version, name=name)


def telling(settings: ServiceSettings, jobs: Iterable[Job] = ()) -> FastAPI:
    return create_service(Service("matching", settings), title="Tells", routers=[], jobs=list(jobs))


async def all_is_well(_: OrganisationUpdated) -> None:
    """No trouble in the handler."""


def listening(settings: ServiceSettings, trouble: Trouble = all_is_well) -> FastAPI:
    """Notes every organisation once (a fact) and keeps its newest version (a copy)."""
    subscriptions = Subscriptions("notify")

    @subscriptions.fact(OrganisationUpdated)
    async def note(session: AsyncSession, message: OrganisationUpdated) -> None:
        connection = await session.connection()
        row = {"organisation_id": message.organisation_id, "version": message.version, "name": message.name}
        await connection.execute(insert(effects).values(row))
        await trouble(message)

    @subscriptions.copy(OrganisationUpdated, OrganisationCreated)
    async def keep(session: AsyncSession, message: OrganisationUpdated) -> None:
        connection = await session.connection()
        kept = {"version": message.version, "name": message.name}
        statement = insert_for(connection)(copies).values(organisation_id=message.organisation_id, **kept)
        await connection.execute(statement.on_conflict_do_update(index_elements=["organisation_id"], set_=kept))

    return create_service(Service("notify", settings, subscriptions), title="Listens", routers=[])


async def told(app: FastAPI, *messages: OrganisationUpdated) -> None:
    """Tell all of them in one transaction."""
    async with app.state.database.transaction() as session:
        for message in messages:
            tell(session, message)


async def told_one_by_one(app: FastAPI, names: Iterable[str], pause: float = 0) -> None:
    for name in names:
        await told(app, organisation(name))
        await a_moment(pause)


async def noted(app: FastAPI) -> list[str]:
    """The names of the effects, in the order they were done."""
    async with app.state.database.reading() as session:
        return list((await (await session.connection()).scalars(select(effects.c.name).order_by(effects.c.id))).all())


async def kept(app: FastAPI) -> dict[str, int]:
    async with app.state.database.reading() as session:
        rows = await (await session.connection()).execute(select(copies.c.name, copies.c.version))
        return {row.name: row.version for row in rows}


async def waiting(app: FastAPI) -> int:
    async with app.state.database.reading() as session:
        return (await depth(session))[0]


async def published(app: FastAPI) -> int:
    async with app.state.database.reading() as session:
        statement = select(func.count()).where(outbox.c.published_at.is_not(None))
        return int((await (await session.connection()).execute(statement)).scalar_one())


async def attempts(app: FastAPI) -> int:
    """The most that any message waiting for another attempt has had."""
    async with app.state.database.reading() as session:
        statement = select(func.coalesce(func.max(failures.c.attempts), 0))
        return int((await (await session.connection()).execute(statement)).scalar_one())


async def buried(app: FastAPI) -> list[str]:
    async with app.state.database.reading() as session:
        return list((await (await session.connection()).scalars(select(dead_letters.c.last_error))).all())
