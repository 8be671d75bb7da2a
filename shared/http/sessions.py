"""A request's session: the edge begins it, and alone commits."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.database import Database, Hook
from shared.http.running import Service
from shared.problems import Problem


def service_of(request: Request) -> Service:
    service: Service = request.app.state
    return service


def database_of(request: Request) -> Database:
    return service_of(request).database


async def _transaction(request: Request) -> AsyncIterator[AsyncSession]:
    before: Callable[[], Awaitable[None]] | None = getattr(request.state, "before_transaction", None)
    if before is not None:
        await before()
    refusal: Problem | None = None
    database = database_of(request)
    async with database.place(), database.transaction() as session:
        request.state.session = session
        first: Hook | None = getattr(request.state, "first_in_transaction", None)
        if first is not None:
            await first(session)
        try:
            yield session
        except Problem as problem:
            if not problem.keeps:
                raise
            refusal = problem
    if refusal is not None:
        raise refusal


async def _reading(request: Request) -> AsyncIterator[AsyncSession]:
    async with database_of(request).reading() as session:
        yield session


# scope="function": with FastAPI's default the caller has its answer before the commit, and keeps it when that fails.
Transaction = Annotated[AsyncSession, Depends(_transaction, scope="function")]

Reading = Annotated[AsyncSession, Depends(_reading, scope="function")]
