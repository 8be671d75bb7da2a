"""The envelope of every message and what a contract is made of."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

Language = Literal["da", "en"]
Texts = dict[Language, str]


class PersonalData:
    """Marks a field that tells of a person; left out of feeds and webhooks unless the scope allows."""


Personal = Annotated[str, PersonalData()]


class Contract(BaseModel):
    """A part of a message. Readers ignore fields they do not know, so that messages can grow."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Message(Contract):
    """A fact told on the bus. `type` is its subject there; `version` is the aggregate's after the change.

    Messages grow by optional fields. Anything else is a `.v2` beside the `.v1`.
    """

    type: ClassVar[str]
    aggregate: ClassVar[str]
    known: ClassVar[dict[str, "ContractClass"]] = {}

    version: int

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "type" in cls.__dict__:
            Message.known[cls.type] = cls

    @property
    def aggregate_id(self) -> UUID:
        identity: UUID = getattr(self, self.aggregate)
        return identity


class Counted(Contract):
    """So many of one kind, in plain English; `why` for what was kept."""

    what: str
    count: int
    why: str | None = None


class ErasureReport(Message):
    """What one service erased of an organisation, and what it kept and why; told also when nothing was there."""

    aggregate: ClassVar[str] = "organisation_id"

    organisation_id: UUID
    erasure_id: UUID
    erased: tuple[Counted, ...] = ()
    kept: tuple[Counted, ...] = ()
    at: datetime


class ExportPart(Message):
    """One of the `parts`, numbered from 1, in which a service hands over what it holds of an organisation."""

    aggregate: ClassVar[str] = "organisation_id"

    organisation_id: UUID
    export_id: UUID
    part: int
    parts: int


ContractClass = type[Message]


class Envelope(Contract):
    """CloudEvents 1.0, structured JSON. `id` is a UUIDv7 and the `Nats-Msg-Id`."""

    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    aggregateversion: int
    correlationid: str | None = None
    traceparent: str | None = None
    data: dict[str, Any]
