"""The rows behind the bus, the same in every service's database. Core tables: they are written on the hot path."""

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlmodel.sql.sqltypes import UTCDateTime

from shared.database import new_metadata

# SQLite numbers rows by itself only in a column that is exactly INTEGER PRIMARY KEY.
Sequence = BigInteger().with_variant(Integer, "sqlite")

messaging = new_metadata()

outbox = Table(
    "outbox",
    messaging,
    # UUIDv7s made one after another were in the wrong order in half of the pairs, so an identity orders the outbox.
    Column("seq", Sequence, Identity(always=False), primary_key=True),
    Column("message_id", Uuid, nullable=False),
    Column("type", String(120), nullable=False),
    Column("envelope", Text, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("published_at", UTCDateTime),
    Column("stream_seq", BigInteger),
    UniqueConstraint("message_id"),
    sqlite_autoincrement=True,
)
Index(
    "ix_outbox_waiting",
    outbox.c.seq,
    postgresql_where=outbox.c.published_at.is_(None),
    sqlite_where=outbox.c.published_at.is_(None),
)
Index("ix_outbox_stream_seq", outbox.c.stream_seq)

known_streams = Table(
    "known_streams",
    messaging,
    Column("name", String(40), primary_key=True),
    # By the bus's own clock: a stream made anew has the same name, and numbers from 1.
    Column("created_at", UTCDateTime, nullable=False),
)

handled_messages = Table(
    "handled_messages",
    messaging,
    Column("message_id", Uuid, primary_key=True),
    Column("handled_at", UTCDateTime, nullable=False, index=True),
)

copied_versions = Table(
    "copied_versions",
    messaging,
    Column("kind", String(40), primary_key=True),
    Column("aggregate_id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

failures = Table(
    "failures",
    messaging,
    Column("stream", String(40), primary_key=True),
    Column("stream_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("failed_at", UTCDateTime, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    messaging,
    Column("stream", String(40), primary_key=True),
    Column("stream_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", Uuid),
    Column("type", String(120), nullable=False),
    Column("envelope", Text, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("died_at", UTCDateTime, nullable=False),
)


LONGEST_KEY = 200

answers = Table(
    "idempotency",
    messaging,
    Column("scope", String(200), primary_key=True),
    Column("key", String(LONGEST_KEY), primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", Integer),
    Column("body", LargeBinary),
    Column("asked_at", UTCDateTime, nullable=False, index=True),
)


def add_to(metadata: MetaData) -> None:
    """Lets a service's migrations see these tables as its own."""
    for table in messaging.sorted_tables:
        table.to_metadata(metadata)
