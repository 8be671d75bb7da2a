"""Messages as a service hears them from the bus, without one: on the subject and the stream that are theirs."""

import orjson

from shared.messaging.bus import stream_of
from shared.messaging.subscriptions import Heard


def heard(envelope: bytes) -> Heard:
    subject: str = orjson.loads(envelope)["type"]
    return Heard(stream_of(subject.split(".", 1)[0]), subject, envelope)
