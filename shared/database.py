"""The database of a service, SQLite or PostgreSQL, and the edge that alone commits."""

import asyncio
import contextlib
import errno
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import uuid_utils.compat
from sqlalchemy import MetaData, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

_MARKS = "marks"
# Beyond those that are kept open.
MORE_CONNECTIONS = 8
PLACE_WITHIN = 30.0
_CROWD = "crowd"

Hook = Callable[[AsyncSession], Awaitable[None]]


def new_metadata() -> MetaData:
    """Each service keeps its own, so that its migrations see its own tables only."""
    return MetaData(naming_convention=NAMING)


def uuid7() -> UUID:
    """A UUIDv7 (RFC 9562); sorts by creation time across processes, to the millisecond only."""
    return uuid_utils.compat.uuid7()


def is_away(error: BaseException) -> bool:
    """Whether the database could not be reached or took no more, as opposed to a statement that was wrong.

    Connection trouble, too many of them, a disk that is full or fails, a server that only reads, and whatever one says
    while it stops, starts or recovers. A `TimeoutError` is an `OSError`: that is how asyncpg gives a silent server up.
    """
    if isinstance(error, DBAPIError):
        at_fault = _state_of(error).startswith(("08", "25006", "25P03", "53", "57P", "58")) or _code_of(error) in (
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_CANTOPEN,
        )
        return at_fault or error.connection_invalidated or "closed" in str(error.orig)
    return isinstance(error, OSError | PoolTimeout)


def is_full(error: BaseException) -> bool:
    """Whether it is away because its disk is full: who asks again shortly finds no more room than before."""
    if isinstance(error, DBAPIError):
        return _state_of(error) == "53100" or _code_of(error) == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno == errno.ENOSPC


def is_passing(error: BaseException) -> bool:
    """Whether others were in the way, so that the same again may go well: a deadlock, a lock not had in time, a
    statement that was cancelled."""
    if isinstance(error, DBAPIError):
        locked = _code_of(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        return locked or _state_of(error) in ("40001", "40P01", "55P03", "57014")
    return isinstance(error, Crowded)


class Crowded(Exception):
    """Somebody of this process waits already for what another waited for in vain."""


class Crowd:
    """What is waited for in this process. Where somebody waited in vain, one at a time may try until one had it.

    All the connections would wait there otherwise, and none be left for others.
    """

    def __init__(self) -> None:
        self._waiting = Counter[Hashable]()
        self._in_vain = set[Hashable]()

    @contextlib.contextmanager
    def waiting_for(self, wanted: Collection[Hashable]) -> Iterator[None]:
        """Around a statement that waits for locks. Raises Crowded."""
        if any(self._waiting[each] and each in self._in_vain for each in wanted):
            raise Crowded
        self._waiting.update(wanted)
        try:
            yield
            self._in_vain.difference_update(wanted)
        except DBAPIError as failed:
            if is_passing(failed):
                self._in_vain.update(wanted)
            raise
        finally:
            self._waiting.subtract(wanted)
            self._waiting += Counter()


def crowd_of(session: AsyncSession) -> Crowd:
    crowd: Crowd = session.info[_CROWD]
    return crowd


def _state_of(error: DBAPIError) -> str:
    """PostgreSQL's five characters (its manual, appendix A); empty for SQLite."""
    return getattr(error.orig, "sqlstate", None) or ""


def _code_of(error: DBAPIError) -> int:
    """SQLite's primary result code, of which an extended one is a kind; 0 for PostgreSQL."""
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF


# Each dialect's own `insert`: both know ON CONFLICT, and the common one does not.
INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert_for(connection: AsyncConnection) -> Any:
    """The `insert` of the dialect at hand."""
    return INSERTS[connection.dialect.name]


def padded(values: Iterable[Any]) -> list[Any]:
    """Fills up to a power of two by repeating: few distinct lengths are few statements for the database to prepare."""
    found = list(dict.fromkeys(values))
    return found if not found else found + [found[-1]] * ((1 << (len(found) - 1).bit_length()) - len(found))


def _to_json(value: object) -> str:
    # Letters as they are, so that a search in the stored text finds Danish words too.
    return orjson.dumps(value).decode()


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _prepare_sqlite(engine: AsyncEngine) -> None:
    """WAL, full sync, and write locks taken at BEGIN.

    Of 40 concurrent changes of one row the driver's defaults kept 1, deferred transactions failed 36, IMMEDIATE kept
    all 40.
    `synchronous=FULL` because an answered change must outlive a power cut.
    """

    @event.listens_for(engine.sync_engine, "connect")
    def _set_up(connection: DBAPIConnection, _: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "busy_timeout=5000", "foreign_keys=ON", "synchronous=FULL"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        # SQLite's own lower() knows A to Z only.
        connection.create_function("lower", 1, _lower, deterministic=True)

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


_UNDONE = "undone at the end"


def undo(session: AsyncSession) -> None:
    """Has the transaction undone when its block ends, however well it ends."""
    session.info[_UNDONE] = True


@dataclass(frozen=True, slots=True)
class Limits:
    """How long PostgreSQL and we wait, in seconds, so that nothing that hangs holds up others without bound.

    `silence` is the driver's own, for a server that says nothing; longer than `statement`, which the server keeps.
    A process that sleeps within a transaction loses it, with the locks it holds, after `idle_in_transaction`.
    """

    lock: float = 3
    statement: float = 10
    idle_in_transaction: float = 15
    silence: float = 12
    connection: float = 5

    def options(self) -> dict[str, Any]:
        """As SQLAlchemy's engine takes them."""
        kept_by_server = {
            "lock_timeout": self.lock,
            "statement_timeout": self.statement,
            "idle_in_transaction_session_timeout": self.idle_in_transaction,
        }
        told = {name: f"{int(seconds * 1000)}ms" for name, seconds in kept_by_server.items()}
        driver = {"command_timeout": self.silence, "timeout": self.connection, "server_settings": told}
        return {"pool_timeout": PLACE_WITHIN, "connect_args": driver}


class MarksLeft(RuntimeError):
    """A transaction would have ended with something noted for its commit and nobody to do it: a fault of ours."""


def mark(session: AsyncSession, kind: str, value: Any) -> None:
    """Notes something for a step before the commit, which takes all of a kind by `take_marked`."""
    session.info.setdefault(_MARKS, {}).setdefault(kind, []).append(value)


def take_marked(session: AsyncSession, kind: str) -> list[Any]:
    """What was noted, in its order; it is then in the hands of whoever asked."""
    found: list[Any] = session.info.get(_MARKS, {}).pop(kind, [])
    return found


def _require_none_marked(session: AsyncSession) -> None:
    left = session.info.get(_MARKS)
    if left:
        raise MarksLeft(f"nobody takes what was marked: {', '.join(sorted(left))}")


class Database:
    """Sessions for writing and for reading; hooks that run in each writing transaction and after its commit."""

    def __init__(
        self,
        url: str,
        *,
        connections: int = 4,
        limits: Limits | None = None,
        before_commit: Sequence[Hook] = (),
        after_commit: Sequence[Callable[[], None]] = (),
    ) -> None:
        """Without `limits` a statement may take as long as it takes, as those of a migration do."""
        self.is_sqlite = url.startswith("sqlite")
        options: dict[str, Any] = {}
        if not self.is_sqlite:
            options = {"pool_pre_ping": False, "pool_size": connections, "max_overflow": MORE_CONNECTIONS}
            options |= limits.options() if limits else {}
        self.engine = create_async_engine(
            url, hide_parameters=True, json_serializer=_to_json, json_deserializer=orjson.loads, **options
        )
        if self.is_sqlite:
            _prepare_sqlite(self.engine)
        self._reading_engine = self.engine.execution_options(read_only=True)
        # One writer at a time in the process: p99 135 ms against 519 to 960 ms by SQLite's busy handler alone.
        self._turn = asyncio.Lock()
        # What the last writing transaction found wrong with the database; None when it went well.
        self.trouble: str | None = None
        self._places, self._crowd = asyncio.Semaphore(connections), Crowd()
        self.before_commit = list(before_commit)
        self.after_commit = list(after_commit)

    @contextlib.asynccontextmanager
    async def transaction(self, *, quiet: bool = False) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed when the block ends well, and undone when it raises.

        Raises MarksLeft when something was marked that no step before the commit takes care of.
        `quiet` for book-keeping that nobody waits for: no hook is called after the commit.
        """
        turn = self._turn if self.is_sqlite else contextlib.nullcontext()
        with self._noting_trouble():
            async with turn, self._session() as session, session.begin():
                yield session
                if session.info.get(_UNDONE):
                    await session.rollback()
                    return
                for hook in self.before_commit:
                    await hook(session)
                _require_none_marked(session)
        for heard in () if quiet else self.after_commit:
            heard()

    @contextlib.contextmanager
    def _noting_trouble(self) -> Iterator[None]:
        try:
            yield
        except Exception as failed:
            if is_away(failed):
                self.trouble = f"{type(failed).__name__}: {getattr(failed, 'orig', failed)}"[:200]
            raise
        self.trouble = None

    def _session(self) -> AsyncSession:
        return AsyncSession(self.engine, expire_on_commit=False, info={_CROWD: self._crowd})

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """For a caller's transaction, of which so many are open at a time that the others find connections too: who
        signs up, who only reads, and what the service does by itself."""
        if self.is_sqlite:
            yield
            return
        async with asyncio.timeout(PLACE_WITHIN):
            await self._places.acquire()
        try:
            yield
        finally:
            self._places.release()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session that only reads; on SQLite it does not wait for writers."""
        async with AsyncSession(self._reading_engine, expire_on_commit=False) as session:
            yield session

    async def close(self) -> None:
        # aiosqlite's threads keep the process alive otherwise.
        await self.engine.dispose()
