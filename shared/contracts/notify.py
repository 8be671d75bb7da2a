"""What the notify service tells. Only that service constructs these."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.message import Contract, ErasureReport, ExportPart, Message, Personal


class DeliveryFailed(Message):
    """One notification could not be delivered over one channel, after the last attempt."""

    type: ClassVar[str] = "notify.delivery.failed.v1"
    aggregate: ClassVar[str] = "delivery_id"

    delivery_id: UUID
    channel: Literal["mail"]
    topic: str
    event_id: UUID | None = None
    reason: str


class NotifyErasedOrganisation(ErasureReport):
    type: ClassVar[str] = "notify.organisation.erased.v1"


class ExportedLetter(Contract):
    """What one of the organisation's people was told, and what became of its mail; no `status`: in the inbox only."""

    topic: str
    name: Personal | None = None
    email: Personal
    subject: Personal
    text: Personal
    told_at: datetime
    status: Literal["queued", "sent", "failed"] | None = None
    sent_at: datetime | None = None


class NotifyExportedOrganisation(ExportPart):
    type: ClassVar[str] = "notify.organisation.exported.v1"

    letters: tuple[ExportedLetter, ...] = ()
