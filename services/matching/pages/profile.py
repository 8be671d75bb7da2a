"""An organisation's own page: its profile, its suggestions and its introductions."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.introductions import answers, outcomes
from services.matching.introductions import seen as seen_introductions
from services.matching.introductions.pairs import AnswerKind
from services.matching.introductions.seen import OUTCOMES, Seen, Status
from services.matching.organisations import profiles
from services.matching.organisations.sight import find_own, sight_of
from services.matching.pages import pages
from services.matching.pages.profile_form import ProfileForm
from services.matching.service import matching_of
from services.matching.settings import Settings
from services.matching.similarity import Index
from services.matching.suggestions import suggestions
from services.matching.suggestions.suggestions import Filters, Partner
from services.matching.tables import Organisation
from shared.fields import Language
from shared.http.sessions import Reading, Transaction, database_of
from shared.pages import Form, KeyedForm, KnownVisitor, moved, page_language
from shared.problems import StaleVersion
from shared.vocabulary import keys, label

router = pages.router()
PAGE = "/p/matching/organisations/{organisation}"
MOST_SUGGESTIONS = 10
MOST_INTRODUCTIONS = 50
_ANSWERS: dict[str, AnswerKind] = {"yes": "yes", "not_for_us": "not_for_us", "already_partners": "already_partners"}

Why = dict[Language, str] | None


async def _index(request: Request, _: KnownVisitor) -> Index:
    return await matching_of(request).index.now()


# Before a session, always: who waits for the first index would else hold the connection that building it needs.
TheIndex = Annotated[Index, Depends(_index)]


@router.get(PAGE)
async def show_profile(
    organisation: UUID, visitor: KnownVisitor, index: TheIndex, session: Reading, request: Request
) -> Response:
    own = await find_own(session, visitor.caller, organisation)
    sight = await sight_of(session, visitor.caller)
    filters = Filters(limit=MOST_SUGGESTIONS)
    asking = await suggestions.asking_for(session, visitor.caller, organisation, filters)
    found = await suggestions.rank(index, asking, filters)
    partners = await suggestions.partners(session, asking, found, page_language(request))
    seen = await seen_introductions.list_seen(session, sight, most=MOST_INTRODUCTIONS)
    return _show(request, "profile.html", own, **_by_status(own, seen, partners))


def _by_status(own: Organisation, seen: Sequence[Seen], partners: Sequence[Partner]) -> dict[str, Any]:
    """Introductions by how they stand, and the suggestions that none of them is about."""
    by_status: dict[Status, list[Seen]] = {"requested": [], "completed": []}
    for each in seen:
        by_status.setdefault(each.status, []).append(each)
    requested = by_status["requested"]
    about = {side.organisation.id for each in requested + by_status["completed"] for side in each.sides}
    said_yes = [each for each in requested if any(side.own and side.answer == "yes" for side in each.sides)]
    return {
        "asked_us": [each for each in requested if each not in said_yes],
        "we_asked": said_yes,
        "in_touch": by_status["completed"],
        "suggestions": [partner for partner in partners if partner.organisation.id not in about],
    }


@router.get(PAGE + "/edit")
async def ask_for_profile(organisation: UUID, visitor: KnownVisitor, session: Reading, request: Request) -> Response:
    own = await find_own(session, visitor.caller, organisation)
    return _show(request, "edit.html", own, form=ProfileForm.of(own, page_language(request)))


@router.post(PAGE + "/edit")
async def change_by_page(
    organisation: UUID, visitor: KnownVisitor, form: KeyedForm, session: Transaction, request: Request
) -> Response:
    own = await find_own(session, visitor.caller, organisation)
    filled = ProfileForm.read(form)
    fields = filled.change(own, page_language(request))
    if fields is None:
        return _show(request, "edit.html", own, status=422, form=filled.with_room())
    try:
        await profiles.change(session, own.id, fields, own=True, versions=[filled.version])
    except StaleVersion:
        filled.version, filled.stale = own.version, True
        return _show(request, "edit.html", own, status=412, form=filled.with_room())
    return moved(PAGE.format(organisation=organisation), done="saved")


@router.post(PAGE + "/publish")
async def publish_by_page(organisation: UUID, visitor: KnownVisitor, form: KeyedForm, session: Transaction) -> Response:
    own = await find_own(session, visitor.caller, organisation)
    await profiles.change(session, own.id, {"published": form.one("published") != "no"}, own=True)
    return moved(PAGE.format(organisation=organisation), done="published" if own.published else "hidden")


async def _why(organisation: UUID, other: UUID, form: KeyedForm, index: TheIndex, request: Request) -> Why:
    """The sentence for the other side, found before the transaction: ranking is no work for a write lock."""
    if form.one("answer") != "yes":
        return None
    async with database_of(request).reading() as session:
        return await suggestions.why_introduced(session, index, organisation, other)


@router.post(PAGE + "/answers/{other}")
async def answer_by_page(
    organisation: UUID,
    other: UUID,
    visitor: KnownVisitor,
    form: KeyedForm,
    why: Annotated[Why, Depends(_why)],
    session: Transaction,
    request: Request,
) -> Response:
    own = await find_own(session, visitor.caller, organisation)
    done = await _answer(session, own.id, other, form, why, matching_of(request).settings)
    return moved(PAGE.format(organisation=organisation), done=done)


async def _answer(session: AsyncSession, own: UUID, other: UUID, form: Form, why: Why, settings: Settings) -> str:
    """What became of it, for the page to say."""
    answer = _ANSWERS.get(form.one("answer") or "")
    if answer is None:
        await answers.take_back(session, own, other)
        return "taken_back"
    pair = await answers.answer(session, own, other, answer, explanation=why, days=settings.introduction_days)
    if answer != "yes" or pair.introduction is None:
        return answer
    if pair.introduction.status == "completed":
        return "in_touch"
    return "nobody_to_ask" if pair.introduction.nobody_to_ask else "yes"


@router.post(PAGE + "/introductions/{introduction}/outcome")
async def record_by_page(
    organisation: UUID, introduction: UUID, visitor: KnownVisitor, form: KeyedForm, session: Transaction
) -> Response:
    own = await find_own(session, visitor.caller, organisation)
    sight = await sight_of(session, visitor.caller)
    seen = await seen_introductions.find_seen(session, sight, introduction)
    outcome = OUTCOMES.get(form.one("outcome") or "")
    if outcome is None:
        return moved(PAGE.format(organisation=organisation))
    await outcomes.record(session, *outcomes.side_of(sight, seen.introduction, own.id), outcome)
    return moved(PAGE.format(organisation=organisation), done=outcome)


def _show(request: Request, template: str, own: Organisation, *, status: int = 200, **facts: Any) -> Response:
    return pages.show(
        request,
        template,
        status=status,
        # As it was opened, which may be by the link of one that was merged: the key's cookie goes there alone.
        page=PAGE.format(organisation=request.path_params["organisation"]),
        done=request.query_params.get("done"),
        own=own,
        word=partial(_word, language=page_language(request)),
        kinds=sorted(keys("kinds")),
        categories=sorted(keys("categories")),
        **facts,
    )


def _word(group: str, key: str, *, language: Language) -> str:
    return label(group, key, language)
