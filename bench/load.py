"""Load on one HTTP server of this machine: keep-alive callers on plain sockets, so that the client costs little."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count


@dataclass(slots=True)
class Measured:
    """Answers of one run: seconds each took, and how many had which status."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def at(self, share: float) -> float:
        """The latency in ms that `share` of the answers kept below."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000

    @property
    def median(self) -> float:
        return statistics.median(self.latencies) * 1000


Body = Callable[[int], bytes]


async def run(port: int, path: str, body: Body, *, callers: int, requests: int) -> Measured:
    """POSTs `requests` bodies to 127.0.0.1 by `callers` at once, each waiting for its answer before the next."""
    measured, numbers = Measured(), iter(range(requests))
    started = time.perf_counter()
    await asyncio.gather(*(_caller(port, path, body, numbers, measured) for _ in range(callers)))
    measured.seconds = time.perf_counter() - started
    return measured


async def _caller(port: int, path: str, body: Body, numbers: Iterator[int], measured: Measured) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        content = body(number)
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(content)}\r\n\r\n"
        asked = time.perf_counter()
        writer.write(head.encode() + content)
        status = await _read_answer(reader)
        measured.latencies.append(time.perf_counter() - asked)
        measured.statuses[status] += 1
    writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
    await reader.readexactly(length)
    return int(head[9:12])


_unique = count(time.time_ns() // 1000)


def unique() -> int:
    """A number no other run of this machine gives."""
    return next(_unique)
