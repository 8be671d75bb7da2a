"""Lost links over HTTP."""

from fastapi import APIRouter
from pydantic import BaseModel

from services.notify.letters.lost_links import mail_links
from shared.fields import Email, Input, Line
from shared.http.sessions import Transaction

router = APIRouter(prefix="/v1/links", tags=["links"])


class LostLinks(Input):
    """`event` is an id or slug: only the links of that event are mailed."""

    email: Email
    event: Line | None = None


class Accepted(BaseModel):
    detail: str = "If we know the address, a mail with its links is on its way. It can take a minute."


@router.post("", status_code=202)
async def request_links(asked: LostLinks, session: Transaction) -> Accepted:
    """Mails somebody the own links. The answer is the same whether the address is known or not."""
    await mail_links(session, asked.email, asked.event)
    return Accepted()
