"""Logs, request ids and figures: what an operator sees of a service."""

import logging
import re
import sys
from contextvars import ContextVar
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# W3C Trace Context, section 3.2: version ff and ids of nothing but zeros are invalid.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Origin:
    """What a change came from: the request it belongs to and its trace. Handed on over the bus."""

    request_id: str | None = None
    traceparent: str | None = None


_origin: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039 -- Origin is frozen


def current_origin() -> Origin:
    return _origin.get()


def set_origin(origin: Origin) -> None:
    _origin.set(origin)


def readable_request_id(value: str | None) -> str | None:
    """The caller's id if it is safe to log and to return, else None."""
    return value if value and _REQUEST_ID.fullmatch(value) else None


def readable_traceparent(value: str | None) -> str | None:
    return value if value and _TRACEPARENT.fullmatch(value) else None


def _add_origin(_: object, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    origin = _origin.get()
    if origin.request_id:
        entry.setdefault("request_id", origin.request_id)
    if origin.traceparent:
        entry.setdefault("trace_id", origin.traceparent.split("-")[1])
    return entry


def configure_logging(service: str, level: str, form: str) -> None:
    """One line of JSON an entry (or readable text), for our own entries and the libraries' alike."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_origin,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # Its lines hold whole addresses, and so the keys of links; the edge writes its own, without.
    logging.getLogger("uvicorn.access").disabled = True
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in ("httpx", "httpcore", "mail.log", "aiosqlite"):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)


def get_logger() -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


class Figures:
    """The Prometheus figures of one application; a registry of its own, so that tests can have several."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "http_request_duration_seconds",
            "Time to answer, by route template",
            ("method", "route", "status"),
            registry=self.registry,
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
        )
        self.outbox_waiting = Gauge("outbox_waiting", "Messages told and not yet on the bus", registry=self.registry)
        self.outbox_age = Gauge("outbox_oldest_seconds", "Age of the oldest waiting message", registry=self.registry)
        self.refused = Gauge("bus_refuses", "Whether the stream refused the last message", registry=self.registry)
        self.stream_filled = Gauge("stream_filled_ratio", "Share of the stream's room taken", registry=self.registry)
        self.replicas_missing = Gauge(
            "stream_replicas_missing", "Replicas set that do not hold all", registry=self.registry
        )
        self.dead_letters = Gauge("dead_letters", "Messages given up after repeated failure", registry=self.registry)
        self.database_trouble = Gauge(
            "database_trouble", "Whether the last change failed by the database's fault", registry=self.registry
        )
        self.consumer_lag = Gauge("consumer_lag", "Messages not yet handled", ("stream",), registry=self.registry)
        self.published = Counter("messages_published", "Messages put on the bus", registry=self.registry)
        self.handled = Counter("messages_handled", "Messages handled", ("type", "result"), registry=self.registry)
        self.jobs = Counter("jobs_done", "Pieces of due work done", ("job", "result"), registry=self.registry)
