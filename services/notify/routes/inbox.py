"""The inbox over HTTP: of a known caller's own e-mail, or of the contact whose link was followed."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from services.notify import inbox
from services.notify.contacts import contact_of
from services.notify.letters.addresses import Addresses
from services.notify.service import notify_of
from services.notify.tables import Contact
from shared.http.callers import KnownCaller, TheLinks
from shared.http.lists import Cursor, Limit, Page, read_cursor
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction
from shared.problems import LinkExpired, NotAuthenticated, NotFound

router = APIRouter(prefix="/v1/inbox", tags=["inbox"])
OWN = documented(NotAuthenticated, NotFound, LinkExpired)


class NotificationView(BaseModel):
    """One notification. `href` leads to what it tells of; it may hold a key of the recipient's own."""

    id: UUID
    topic: str
    language: str
    subject: str
    text: str
    href: str | None = None
    event_id: UUID | None = None
    registration_id: UUID | None = None
    created_at: datetime
    read_at: datetime | None = None
    archived_at: datetime | None = None


class InboxPage(Page[NotificationView]):
    """Newest first. `unread` counts all that is neither read nor archived."""

    unread: int


class AllRead(BaseModel):
    """`read` were unread until now."""

    read: int


def addresses_of(request: Request, links: TheLinks) -> Addresses:
    return Addresses(notify_of(request).settings, links)


TheAddresses = Annotated[Addresses, Depends(addresses_of)]


async def _own_contact(caller: KnownCaller, session: Reading) -> Contact | None:
    return await contact_of(session, caller)


OwnContact = Annotated[Contact | None, Depends(_own_contact, scope="function")]


def view(row: inbox.Row, addresses: Addresses) -> NotificationView:
    notification, ends_at = row
    return NotificationView(
        href=addresses.of(notification.opens, notification.opens_id, notification.opens_version, ends_at),
        **notification.model_dump(include=NotificationView.model_fields.keys() - {"href"}),
    )


@router.get("", responses=OWN)
async def list_notifications(
    contact: OwnContact,
    session: Reading,
    addresses: TheAddresses,
    links: TheLinks,
    archived: bool = False,
    unread: bool = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> InboxPage:
    after = read_cursor(links, cursor, datetime.fromisoformat, UUID)
    before = (after[0], after[1]) if after else None
    rows = await inbox.list_notifications(
        session, contact, archived=archived, unread=unread, before=before, most=limit + 1
    )
    unread_now = await inbox.count_unread(session, contact)
    return InboxPage.of(links, rows, limit, lambda row: view(row, addresses), _place_of, unread=unread_now)


def _place_of(row: inbox.Row) -> list[str]:
    return [row[0].created_at.isoformat(), str(row[0].id)]


@router.post("/read-all", responses=OWN)
async def read_all_notifications(caller: KnownCaller, session: Transaction) -> AllRead:
    return AllRead(read=await inbox.mark_all_read(session, await contact_of(session, caller)))


@router.post("/{notification}/read", responses=OWN)
async def read_notification(
    notification: UUID, caller: KnownCaller, session: Transaction, addresses: TheAddresses
) -> NotificationView:
    row = await inbox.mark_read(session, await contact_of(session, caller), notification)
    return view(row, addresses)


@router.post("/{notification}/archive", responses=OWN)
async def archive_notification(
    notification: UUID, caller: KnownCaller, session: Transaction, addresses: TheAddresses
) -> NotificationView:
    row = await inbox.archive(session, await contact_of(session, caller), notification)
    return view(row, addresses)
