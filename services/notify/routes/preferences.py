"""Preferences over HTTP, and the one click that stops mails about suggestions."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from services.notify.contacts import contact_of
from services.notify.letters import preferences
from services.notify.letters.preferences import FIXED, Choices, Fixed
from services.notify.tables import Contact
from shared.fields import Input, Language
from shared.http.callers import KnownCaller
from shared.http.parameters import ignores_unknown_parameters
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction
from shared.problems import LinkExpired, NotAllowed, NotAuthenticated, NotFound

router = APIRouter(prefix="/v1", tags=["preferences"])
OWN = documented(NotAuthenticated, NotFound, LinkExpired)
UNSUBSCRIBE_PAGE = "/p/notify/unsubscribe"


class Channels(Input):
    """By which channels a topic is told; off in both, it is not told at all."""

    inbox: bool
    mail: bool


class Topics(Input):
    """`suggestions` are new partners for your organisation, `organising` sign-ups for an event you organise."""

    suggestions: Channels
    organising: Channels

    def chosen(self) -> Choices:
        return {
            "suggestions": {"inbox": self.suggestions.inbox, "mail": self.suggestions.mail},
            "organising": {"inbox": self.organising.inbox, "mail": self.organising.mail},
        }


class PreferencesInput(Input):
    """All of them, as they shall be. `language` is that of all you are told, whatever others say of you."""

    language: Language
    topics: Topics


class PreferencesView(BaseModel):
    """`fixed` is told whatever the preferences say: it is about what you did, where you go, or what you are asked."""

    language: Language
    topics: Topics
    fixed: list[Fixed] = Field(default=list(FIXED))

    @classmethod
    def of(cls, contact: Contact | None, choices: Choices) -> Self:
        language: Language = "en" if contact is not None and contact.reads == "en" else "da"
        return cls(language=language, topics=Topics.model_validate(choices))


class Unsubscribed(BaseModel):
    topic: Literal["suggestions"] = "suggestions"
    channel: Literal["mail"] = "mail"


@router.get("/preferences", responses=OWN)
async def show_preferences(caller: KnownCaller, session: Reading) -> PreferencesView:
    contact = await contact_of(session, caller)
    return PreferencesView.of(contact, await preferences.choices_of(session, contact))


@router.put("/preferences", responses={**OWN, **documented(NotAllowed)})
async def change_preferences(body: PreferencesInput, caller: KnownCaller, session: Transaction) -> PreferencesView:
    """Replaces them whole."""
    chosen = body.topics.chosen()
    contact = await preferences.choose(session, caller, body.language, chosen)
    return PreferencesView.of(contact, chosen)


@router.post("/unsubscribe", responses=OWN)
@ignores_unknown_parameters
async def unsubscribe(caller: KnownCaller, session: Transaction) -> Unsubscribed:
    """Stops mails about suggestions, as a mail program does by itself (RFC 8058): by the link of such a mail."""
    await preferences.unsubscribe(session, caller)
    return Unsubscribed()


@router.get(
    "/unsubscribe",
    status_code=303,
    response_class=RedirectResponse,
    responses={**OWN, 303: {"description": "To the page with the button: a link that is only looked at does nothing"}},
)
async def open_unsubscribe_page(
    request: Request,
    caller: KnownCaller,
    session: Reading,
    key: Annotated[str | None, Query(include_in_schema=False)] = None,
) -> RedirectResponse:
    """For mail programs that open the address of `List-Unsubscribe` in a browser."""
    await preferences.unsubscribing(session, caller)
    return RedirectResponse(f"{UNSUBSCRIBE_PAGE}?key={key}", 303, {"Cache-Control": "no-store"})
