"""UUIDv7s made by the database, for rows that an INSERT … SELECT writes."""

import time
from typing import Any
from uuid import UUID

from sqlalchemy import String, Uuid
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement, bindparam


class MadeId(FunctionElement[UUID]):
    """A new id for each row, in the order of time as `uuid7()` makes them."""

    inherit_cache = True
    type = Uuid()


def now_in_hex() -> str:
    """The first 48 bits of a UUIDv7 made now: what `MADE_AT` stands for in a statement."""
    return f"{time.time_ns() // 1_000_000:012x}"


MADE_AT: Any = bindparam("made_at", type_=String, required=True)


@compiles(MadeId, "sqlite")
def _on_sqlite(_: MadeId, compiler: SQLCompiler, **options: Any) -> str:
    # SQLAlchemy keeps a UUID there as 32 hexadecimal digits.
    made_at = compiler.process(MADE_AT, **options)
    return f"({made_at} || '7' || lower(substr(hex(randomblob(2)), 2) || 'a' || substr(hex(randomblob(8)), 2)))"


@compiles(MadeId, "postgresql")
def _on_postgresql(_: MadeId, compiler: SQLCompiler, **options: Any) -> str:
    made_at = compiler.process(MADE_AT, **options)
    random = "replace(gen_random_uuid()::text, '-', '')"
    return f"(CAST({made_at} AS text) || '7' || substr({random}, 14))::uuid"
