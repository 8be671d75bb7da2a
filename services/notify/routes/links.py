"""Lost links over HTTP."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from services.notify.letters.lost_links import Lost
from services.notify.service import notify_of
from shared.fields import Email, Input, Line
from shared.http.rendering import documented
from shared.problems import Unavailable

router = APIRouter(prefix="/v1/links", tags=["links"])


class LostLinks(Input):
    """`event` is an id or slug: only the links of that event are mailed."""

    email: Email
    event: Line | None = None


class Accepted(BaseModel):
    detail: str = "If we know the address, a mail with its links is on its way. It can take a minute."


@router.post("", status_code=202, responses=documented(Unavailable))
async def request_links(asked: LostLinks, request: Request) -> Accepted:
    """Mails somebody the own links. The answer is the same, and comes as soon, whether the address is known or not."""
    notify_of(request).lost_links.ask(Lost(asked.email, asked.event))
    return Accepted()
