"""Introductions over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from services.matching import seen_introductions
from services.matching.routes.cursors import id_after
from services.matching.routes.organisations import OWN, OrganisationCard
from services.matching.seen_introductions import Seen, Side, Status
from services.matching.sight import sight_of
from shared.auth import KnownCaller, TheLinks
from shared.database import Reading
from shared.fields import Language
from shared.lists import Cursor, Limit, Page, write_cursor

router = APIRouter(prefix="/v1/introductions", tags=["introductions"])


class PartyView(BaseModel):
    """One side. `contacts` is empty until both have said yes."""

    organisation: OrganisationCard
    message: str | None
    contacts: list[dict[str, Any]]

    @classmethod
    def of(cls, side: Side) -> Self:
        return cls(
            organisation=OrganisationCard.of(side.organisation),
            message=side.message,
            contacts=[contact.model_dump() for contact in side.contacts],
        )


class IntroductionView(BaseModel):
    """Two organisations, who asked first. `expires_at` is until when the other may answer."""

    id: UUID
    status: Status
    asked_by: UUID
    parties: list[PartyView]
    explanation: dict[Language, str] | None
    requested_at: datetime
    completed_at: datetime | None
    expires_at: datetime

    @classmethod
    def of(cls, seen: Seen) -> Self:
        fields = {"id", "asked_by", "explanation", "requested_at", "completed_at", "expires_at"}
        return cls(
            **seen.introduction.model_dump(include=fields),
            status=seen.status,
            parties=[PartyView.of(side) for side in seen.sides],
        )


@router.get("", responses=OWN)
async def list_introductions(
    caller: KnownCaller,
    session: Reading,
    links: TheLinks,
    status: Annotated[Status | None, Query()] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[IntroductionView]:
    """Your introductions, the newest first. Whether the other side declined is never told."""
    sight = await sight_of(session, caller)
    caller.require(bool(sight.own) or caller.is_admin, may_see=True)
    found, go_on = await seen_introductions.list_seen(session, sight, status, id_after(links, cursor), limit)
    items = [IntroductionView.of(each) for each in found]
    return Page(items=items, next_cursor=write_cursor(links, [str(go_on)]) if go_on else None)


@router.get("/{introduction}", responses=OWN)
async def get_introduction(
    introduction: Annotated[UUID, Path(description="The introduction's id")], caller: KnownCaller, session: Reading
) -> IntroductionView:
    """One of them; with the contacts of both sides once both have said yes."""
    sight = await sight_of(session, caller)
    return IntroductionView.of(await seen_introductions.find_seen(session, sight, introduction))
