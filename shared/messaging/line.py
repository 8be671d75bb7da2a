"""One connection of the relay, for as long as it lasts."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Self

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg

# The same message is on its way already, on a line before this one: passing.
IN_FLIGHT = 10158


@dataclass(frozen=True, slots=True)
class Answer:
    """What a stream said of a message: the number it has, or why it was not taken."""

    seq: int | None = None
    duplicate: bool = False
    refusal: str | None = None
    # Nothing was heard of the stream, perhaps only by the server that this line leads to.
    may_be_heard_elsewhere: bool = False

    @classmethod
    def none(cls, why: str = "no answer") -> Self:
        return cls(refusal=why, may_be_heard_elsewhere=True)


class Line:
    """`over` is done when the connection has ended.

    Not nats-py's publish_async: it loses what the stream answers when that is a refusal, so a full stream was silent.
    """

    def __init__(self) -> None:
        self.client = Client()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._inbox = ""
        self._numbers = count(1)
        self._asked: dict[str, asyncio.Future[Answer]] = {}

    async def end(self) -> None:
        if not self.over.done():
            self.over.set_result(None)

    async def hear_answers(self) -> None:
        self._inbox = self.client.new_inbox()
        await self.client.subscribe(f"{self._inbox}.*", cb=self._hear)

    async def publish(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> "asyncio.Future[Answer]":
        """Sends; the future has the answer when it comes, and none when the line ends before."""
        number = str(next(self._numbers))
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        future.add_done_callback(lambda _: self._asked.pop(number))
        await self.client.publish(subject, payload, reply=f"{self._inbox}.{number}", headers=dict(headers))
        return future

    async def _hear(self, msg: Msg) -> None:
        future = self._asked.get(msg.subject.rpartition(".")[2])
        if future is not None and not future.done():
            future.set_result(_answer_of(msg))


def _answer_of(msg: Msg) -> Answer:
    if not msg.data:
        # What the server says when nobody listens.
        return Answer.none("no stream takes it")
    said: dict[str, Any] = orjson.loads(msg.data)
    if (error := said.get("error")) is None:
        return Answer(int(said["seq"]), bool(said.get("duplicate")))
    return Answer() if error.get("err_code") == IN_FLIGHT else Answer(refusal=str(error.get("description")))
