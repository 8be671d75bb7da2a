"""The bare floor: one FastAPI route on asyncpg that writes the same rows as a sign-up, and nothing else."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
from fastapi import FastAPI, Response
from pydantic import BaseModel

TABLES = """
CREATE TABLE IF NOT EXISTS event (id int PRIMARY KEY, capacity int, taken int, CHECK (taken <= capacity));
CREATE TABLE IF NOT EXISTS registration (id uuid PRIMARY KEY, event int, reference text, contact_name text,
  contact_email text, created_at timestamptz);
CREATE TABLE IF NOT EXISTS attendee (id uuid PRIMARY KEY, registration uuid, event int, email text, status text,
  code bytea UNIQUE, UNIQUE (event, email));
CREATE TABLE IF NOT EXISTS outbox (seq bigserial PRIMARY KEY, message_id uuid UNIQUE, type text, envelope text,
  created_at timestamptz, published_at timestamptz);
INSERT INTO event VALUES (1, 100000000, 0) ON CONFLICT DO NOTHING;
"""


class Contact(BaseModel):
    name: str
    email: str


class Attendee(BaseModel):
    name: str | None = None
    email: str | None = None


class SignUp(BaseModel):
    organisation: dict[str, Any] | None = None
    contact: Contact
    attendees: list[Attendee]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    url = os.environ["FLOOR_DATABASE_URL"].replace("+asyncpg", "")
    app.state.pool = await asyncpg.create_pool(url, min_size=4, max_size=4)
    await app.state.pool.execute(TABLES)
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=_lifespan)


@app.post("/sign-ups", status_code=201)
async def sign_up(body: SignUp, response: Response) -> dict[str, Any]:
    now, registration = datetime.now(UTC), uuid.uuid4()
    async with app.state.pool.acquire() as connection, connection.transaction():
        seats = len(body.attendees)
        took = await connection.fetchval(
            "UPDATE event SET taken = taken + $1 WHERE id = 1 AND taken + $1 <= capacity RETURNING taken", seats
        )
        if took is None:
            response.status_code = 409
            return {"status": "full"}
        await connection.execute(
            "INSERT INTO registration VALUES ($1, 1, $2, $3, $4, $5)",
            registration,
            registration.hex[:8],
            body.contact.name,
            body.contact.email,
            now,
        )
        for attendee in body.attendees:
            one = uuid.uuid4()
            await connection.execute(
                "INSERT INTO attendee VALUES ($1, $2, 1, $3, 'confirmed', $4)",
                one,
                registration,
                attendee.email,
                one.bytes,
            )
        await connection.execute(
            "INSERT INTO outbox (message_id, type, envelope, created_at) VALUES ($1, 'created', $2, $3)",
            uuid.uuid4(),
            body.model_dump_json(),
            now,
        )
    return {"id": str(registration), "status": "confirmed"}
