"""Profiles: what organisations say of themselves, made, changed and listed."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Text, and_, cast, insert, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.organisations.changes import mark_changed
from services.matching.organisations.new_profiles import Shown, mark_if_new
from services.matching.organisations.sight import NoOrganisation
from services.matching.organisations.statements import first_lapse, readable, texts_of, today, with_ids
from services.matching.tables import Organisation
from shared.contracts.matching import OrganisationCreated, OrganisationUpdated
from shared.domains import website_domain
from shared.fields import utc_now
from shared.messaging.outbox import tell
from shared.normal_forms import checked_number, same_name
from shared.problems import Invalid, Problem, require_version

Sort = Literal["name", "updated_at"]


class NotReady(Problem):
    """`missing` names what the profile still needs before others may see it."""

    status, slug, title = 409, "not-ready", "The profile cannot be published yet"


class IfMatchRequired(Problem):
    status, slug, title = 428, "if-match-required", "Say which version you have read"


async def create(
    session: AsyncSession,
    fields: Mapping[str, Any],
    *,
    published: bool = False,
    publish_when_claimed: bool = False,
    organisation_id: UUID | None = None,
    by_secretariat: bool = False,
) -> Organisation:
    """A new organisation, told to the other services."""
    organisation = new(fields, published=published, publish_when_claimed=publish_when_claimed)
    organisation.cvr_proven = by_secretariat and organisation.cvr is not None
    if organisation_id is not None:
        organisation.id = organisation_id
    _set_parent(organisation, await _checked_parent(session, organisation, fields.get("parent")), agreed=by_secretariat)
    session.add(organisation)
    _tell_created(session, organisation)
    return organisation


def new(fields: Mapping[str, Any], *, published: bool, publish_when_claimed: bool = False) -> Organisation:
    """An organisation that says this of itself, not yet among the others and without a parent."""
    organisation = Organisation(name=fields["name"], published=published, publish_when_claimed=publish_when_claimed)
    _write(organisation, fields)
    if published:
        require_ready(organisation)
    return organisation


async def create_all(session: AsyncSession, made: Sequence[Organisation]) -> None:
    """Writes many new organisations in one statement. Their parents are checked, and among them or there already."""
    rows = await asyncio.to_thread(lambda: [each.model_dump() for each in made])
    await (await session.connection()).execute(insert(Organisation), rows)
    for organisation in made:
        _tell_created(session, organisation)


def _tell_created(session: AsyncSession, organisation: Organisation) -> None:
    mark_changed(session, organisation.id)
    mark_if_new(session, organisation, Shown())
    tell(session, OrganisationCreated(**facts_of(organisation)))


async def lock(session: AsyncSession, organisation_id: UUID) -> Organisation:
    """The organisation with its row locked, or what it was merged into.

    Answers, claims and merges take the same lock, of two rows the lower id first.
    """
    organisation = await session.get(
        Organisation, organisation_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if organisation is None:
        raise NoOrganisation()
    if organisation.merged_into is not None:
        return await lock(session, organisation.merged_into)
    return organisation


async def change(
    session: AsyncSession,
    organisation_id: UUID,
    fields: Mapping[str, Any],
    *,
    own: bool,
    versions: Sequence[int] | None = None,
) -> Organisation:
    """Writes the fields given, arrays whole, texts merged by language; `own` when its own people do it.

    The first change by its own people claims the profile, and publishes it if that was asked for when it was made.
    """
    organisation = await lock(session, organisation_id)
    require_version(organisation.version, versions)
    before = Shown.of(organisation)
    if own and not organisation.claimed:
        organisation.claimed = True
        organisation.published |= organisation.publish_when_claimed and organisation.kind is not None
    if "parent" in fields:
        _set_parent(organisation, await _checked_parent(session, organisation, fields["parent"]), agreed=not own)
    _rewrite(organisation, fields)
    if not own and "cvr" in fields:
        organisation.cvr_proven = organisation.cvr is not None
    if organisation.published and not before.published:
        require_ready(organisation)
    mark_if_new(session, organisation, before)
    tell_changed(session, organisation)
    return organisation


async def change_all(session: AsyncSession, changes: Sequence[tuple[UUID, Mapping[str, Any]]]) -> None:
    """Writes what is given for many organisations that this transaction has locked, and whose parents are checked."""
    chosen = select(Organisation).where(col(Organisation.id).in_([organisation_id for organisation_id, _ in changes]))
    there = {each.id: each for each in await session.exec(chosen)}
    before = {each.id: Shown.of(each) for each in there.values()}
    await asyncio.to_thread(_rewrite_all, [(there[organisation_id], fields) for organisation_id, fields in changes])
    for organisation in there.values():
        mark_if_new(session, organisation, before[organisation.id])
        tell_changed(session, organisation)
    await session.flush()


def _rewrite_all(changes: Sequence[tuple[Organisation, Mapping[str, Any]]]) -> None:
    for organisation, fields in changes:
        if "parent" in fields:
            organisation.parent = UUID(fields["parent"]) if fields["parent"] else None
        _rewrite(organisation, fields)


def _rewrite(organisation: Organisation, fields: Mapping[str, Any]) -> None:
    _write(organisation, fields)
    organisation.published = fields.get("published", organisation.published)


def tell_changed(session: AsyncSession, organisation: Organisation) -> None:
    """Every change of a profile ends here: a new version, a number for the indexes, and a message."""
    organisation.version += 1
    organisation.updated_at = utc_now()
    session.add(organisation)
    mark_changed(session, organisation.id)
    tell(session, OrganisationUpdated(**facts_of(organisation)))


def require_if_match(fields: Mapping[str, Any], *, sent: bool) -> None:
    """Offers and needs are replaced whole: whoever has not seen the latest would undo another's work."""
    if not sent and {"offers", "needs"} & set(fields):
        raise IfMatchRequired("`offers` and `needs` are replaced whole: send `If-Match` with the ETag you have read.")


def require_ready(organisation: Organisation) -> None:
    if organisation.kind is None:
        raise NotReady("Say what kind of organisation it is.", missing=["kind"])


_PLAIN = (
    "name", "kind", "p_number", "size", "website", "sectors", "focus_areas", "hub", "languages", "contacts",
    "locations", "country",
)  # fmt: skip


def _write(organisation: Organisation, fields: Mapping[str, Any]) -> None:
    for name in _PLAIN:
        if name in fields:
            setattr(organisation, name, fields[name])
    if "summary" in fields:
        organisation.summary = merged_texts(organisation.summary, fields["summary"])
    if "cvr" in fields or "country" in fields:
        number = checked_number(fields.get("cvr", organisation.cvr), organisation.country, "/cvr")
        # Whoever writes another number has proven nothing of it.
        organisation.cvr_proven &= number == organisation.cvr
        organisation.cvr = number
    for name in ("offers", "needs"):
        if name in fields:
            setattr(organisation, name, with_ids(fields[name], getattr(organisation, name) or [], f"/{name}"))
    derive(organisation)


def merged_texts(old: dict[str, str] | None, new: dict[str, str | None] | None) -> dict[str, str] | None:
    """JSON Merge Patch (RFC 7396) of texts by language: null takes one away."""
    if new is None:
        return None
    return {code: text for code, text in {**(old or {}), **new}.items() if text is not None} or None


def _set_parent(organisation: Organisation, above: UUID | None, *, agreed: bool) -> None:
    """Whom it says it belongs to; that one has to say so too, or the secretariat."""
    if agreed or above is None or above == organisation.parent:
        organisation.parent, organisation.stated_parent = above, None
    else:
        organisation.parent, organisation.stated_parent = None, above


async def _checked_parent(session: AsyncSession, organisation: Organisation, parent: str | None) -> UUID | None:
    """A unit's parent is there and is no unit itself, and a parent does not become a unit."""
    if parent is None:
        return None
    # Held so that it is neither erased nor merged before this unit is there to stop or follow it.
    held = {"read": True, "key_share": True}
    above = await session.get(Organisation, UUID(str(parent)), with_for_update=held, populate_existing=True)
    if above is not None and above.merged_into is not None:
        above = await session.get_one(Organisation, above.merged_into)
    if above is None or above.id == organisation.id:
        raise Invalid.field("/parent", "no such organisation")
    units = select(Organisation.id).where(col(Organisation.parent) == organisation.id).limit(1)
    if above.parent is not None or (await session.exec(units)).first() is not None:
        raise Invalid.field("/parent", "a parent has no parent itself")
    return above.id


def derive(organisation: Organisation) -> None:
    """What follows from the other fields, for lists, searches and the day on which something lapses."""
    organisation.name_key = organisation.name.casefold()
    organisation.name_form = same_name(organisation.name)
    organisation.web_domain = website_domain(organisation.website)
    public = [*readable(organisation.offers, members_parts=False), *readable(organisation.needs, members_parts=False)]
    words = [organisation.name, *(organisation.summary or {}).values()]
    words += [text for each in public for text in texts_of(each)]
    organisation.searchable = "\n".join(words).casefold()
    organisation.lapses_on = first_lapse([*organisation.offers, *organisation.needs])


def facts_of(organisation: Organisation) -> dict[str, Any]:
    return {
        "organisation_id": organisation.id,
        "version": organisation.version,
        "name": organisation.name,
        "kind": organisation.kind,
        "cvr": organisation.cvr,
        "country": organisation.country,
        "website": organisation.website,
        "parent": organisation.parent,
        "published": organisation.published,
        "claimed": organisation.claimed,
        "link_version": organisation.link_version,
        "domains": tuple(organisation.proven_domains),
        "cvr_proven": organisation.cvr_proven,
    }


async def any_lapsed(session: AsyncSession) -> bool:
    lapsed = select(Organisation.id).where(col(Organisation.lapses_on) <= today()).limit(1)
    return (await session.exec(lapsed)).first() is not None


async def lapse(session: AsyncSession, most: int = 50) -> bool:
    """Changes the profiles in which an offer or a need has come to its end; True when there may be more."""
    due = select(Organisation).where(col(Organisation.lapses_on) <= today()).limit(most)
    found = (await session.exec(due.with_for_update(skip_locked=True, key_share=True))).all()
    for organisation in found:
        derive(organisation)
        tell_changed(session, organisation)
    return len(found) == most


async def list_organisations(
    session: AsyncSession,
    *,
    filters: Mapping[str, Any],
    hidden_too: bool,
    sort: Sort,
    after: Sequence[Any] | None,
    most: int,
) -> Sequence[Organisation]:
    """Organisations in an order, after the one at the place `after`."""
    key = col(Organisation.name_key) if sort == "name" else col(Organisation.updated_at)
    statement = select(Organisation).where(col(Organisation.merged_into).is_(None), *_conditions(filters))
    if not hidden_too:
        statement = statement.where(col(Organisation.published))
    if after is not None:
        value = after[1] if sort == "name" else datetime.fromisoformat(after[1])
        statement = statement.where(or_(key > value, and_(key == value, col(Organisation.id) > UUID(after[2]))))
    return (await session.exec(statement.order_by(key, col(Organisation.id)).limit(most))).all()


def place_of(organisation: Organisation, sort: Sort) -> list[Any]:
    """Where it stands in the list of that order."""
    key = organisation.name_key if sort == "name" else organisation.updated_at.isoformat()
    return [sort, key, str(organisation.id)]


def _conditions(filters: Mapping[str, Any]) -> list[Any]:
    """SQL for each filter that was given."""
    conditions: list[Any] = []
    for name, value in filters.items():
        if value is None:
            continue
        if name == "q":
            conditions += [
                col(Organisation.searchable).contains(word, autoescape=True) for word in value.casefold().split()
            ]
        elif name in ("sectors", "focus_areas"):
            # A key of the vocabulary in its quotes is found in no other key, on either database.
            conditions.append(cast(getattr(Organisation, name), Text).contains(f'"{value}"', autoescape=True))
        elif name == "updated_since":
            conditions.append(col(Organisation.updated_at) >= value)
        else:
            conditions.append(getattr(Organisation, name) == value)
    return conditions
