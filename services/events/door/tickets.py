"""Tickets: what a code opens, and its QR picture. The one door to segno."""

import io
import re

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.tables import Attendee, Event, ReplacedCode
from shared.access.links import ticket_hash
from shared.problems import LinkExpired, NotFound

QUIET_MODULES = 4
_MISREAD = str.maketrans("018", "OIB")


def read_code(scanned: str) -> str:
    """The code in what a scanner read or a volunteer typed: the QR's whole address, or the code as it is printed.

    Base32 has no 0, 1 and 8: who types one saw another letter (RFC 4648, section 6).
    """
    _, _, behind = scanned.rpartition("/t/")
    code = re.split(r"[?#/]", behind.strip(), maxsplit=1)[0]
    return re.sub(r"[\s\-\u2010-\u2015]", "", code).upper().translate(_MISREAD)


async def find(session: AsyncSession, code: str) -> tuple[Attendee, Event]:
    """Whose ticket it is and to what. Raises LinkExpired for one that was handed over, NotFound for none of ours."""
    statement = (
        select(Attendee, Event)
        .join(Event, col(Event.id) == Attendee.event_id)
        .where(Attendee.code_hash == ticket_hash(read_code(code)))
    )
    found = (await session.exec(statement)).first()
    if found is not None:
        return found
    if await session.get(ReplacedCode, ticket_hash(read_code(code))) is not None:
        raise LinkExpired("This ticket was handed over; the new one counts.")
    raise NotFound("There is no such ticket.")


def qr_svg(address: str) -> bytes:
    # Imported late: a service that draws none needs it not.
    import segno

    drawn = io.BytesIO()
    segno.make(address, error="m").save(drawn, kind="svg", scale=6, border=QUIET_MODULES, xmldecl=False, svgns=True)
    return drawn.getvalue()


def qr_png(address: str) -> bytes:
    import segno

    drawn = io.BytesIO()
    segno.make(address, error="m").save(drawn, kind="png", scale=8, border=QUIET_MODULES)
    return drawn.getvalue()
