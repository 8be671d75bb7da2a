"""Notify's pages: a contact's inbox, where mails are unsubscribed, and where lost links are asked for."""

from uuid import UUID

from fastapi import Request, Response
from pydantic import TypeAdapter, ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify import inbox
from services.notify.contacts import contact_of
from services.notify.letters import preferences
from services.notify.letters.lost_links import Lost
from services.notify.pages import pages
from services.notify.routes.inbox import TheAddresses, view
from services.notify.routes.preferences import UNSUBSCRIBE_PAGE
from services.notify.service import notify_of
from services.notify.tables import Contact
from shared.fields import Email
from shared.http.sessions import Reading, Transaction
from shared.pages import AnyVisitor, KeyedForm, KeyHolder, OpenForm, Visitor, moved
from shared.problems import NotFound

router = pages.router()
INBOX, LINKS = "/p/notify/inbox", "/p/notify/links"
MOST_SHOWN = 50
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


async def _contact(session: AsyncSession, visitor: Visitor) -> Contact:
    contact = await contact_of(session, visitor.caller)
    if contact is None:
        raise NotFound()
    return contact


@router.get(INBOX)
async def show_inbox(visitor: KeyHolder, session: Reading, request: Request, addresses: TheAddresses) -> Response:
    contact = await _contact(session, visitor)
    rows = await inbox.list_notifications(session, contact, most=MOST_SHOWN)
    return pages.show(
        request,
        "inbox.html",
        language=contact.reads,
        page=INBOX,
        contact=contact,
        unread=await inbox.count_unread(session, contact),
        notifications=[view(row, addresses) for row in rows],
    )


@router.post(INBOX + "/read-all")
async def read_all_by_page(visitor: KeyHolder, form: KeyedForm, session: Transaction) -> Response:
    await inbox.mark_all_read(session, await _contact(session, visitor))
    return moved(INBOX)


@router.post(INBOX + "/{notification}/archive")
async def archive_by_page(notification: UUID, visitor: KeyHolder, form: KeyedForm, session: Transaction) -> Response:
    await inbox.archive(session, await _contact(session, visitor), notification)
    return moved(INBOX)


@router.get(UNSUBSCRIBE_PAGE)
async def ask_to_unsubscribe(visitor: KeyHolder, session: Reading, request: Request) -> Response:
    contact = await preferences.unsubscribing(session, visitor.caller)
    return _unsubscribe_page(request, contact, done=False)


@router.post(UNSUBSCRIBE_PAGE)
async def unsubscribe_by_page(visitor: KeyHolder, form: KeyedForm, session: Transaction, request: Request) -> Response:
    return _unsubscribe_page(request, await preferences.unsubscribe(session, visitor.caller), done=True)


def _unsubscribe_page(request: Request, contact: Contact, *, done: bool) -> Response:
    return pages.show(
        request, "unsubscribe.html", language=contact.reads, page=UNSUBSCRIBE_PAGE, contact=contact, done=done
    )


@router.get(LINKS)
async def ask_for_links(visitor: AnyVisitor, request: Request) -> Response:
    return pages.show(request, "links.html", page=LINKS, email=None, wrong=False)


@router.post(LINKS)
async def request_links_by_page(form: OpenForm, request: Request) -> Response:
    """The same answer whether the address is known or not."""
    asked = form.one("email") or ""
    try:
        email = _EMAIL.validate_python(asked)
    except ValidationError:
        return pages.show(request, "links.html", status=422, page=LINKS, email=asked, wrong=True)
    notify_of(request).lost_links.ask(Lost(email))
    return pages.show(request, "links_sent.html", email=email)
