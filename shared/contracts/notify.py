"""What the notify service tells. Only that service constructs these."""

from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.message import Message


class DeliveryFailed(Message):
    """One notification could not be delivered over one channel, after the last attempt."""

    type: ClassVar[str] = "notify.delivery.failed.v1"
    aggregate: ClassVar[str] = "delivery_id"

    delivery_id: UUID
    channel: Literal["mail"]
    topic: str
    event_id: UUID | None = None
    reason: str
