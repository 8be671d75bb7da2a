"""Signing in: asked for by anybody, mailed to who may, begun once by the mailed link, gone on with while used."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

from sqlmodel import col, delete, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.tables import Member, SignIn
from shared.access.caller import Caller, Role
from shared.access.links import Link, Purpose
from shared.access.tokens import Tokens
from shared.contracts.matching import SignInRequested
from shared.fields import Language, same_address, utc_now
from shared.messaging.outbox import tell
from shared.problems import LinkExpired, NotAuthenticated, NotFound
from shared.telemetry import get_logger

log = get_logger()

LINK_LASTS = timedelta(minutes=30)
TOKEN_LASTS = timedelta(hours=1)
LASTS_AT_MOST = timedelta(hours=12)
KEPT = timedelta(days=1)
AN_HOUR, MAILS_AN_HOUR = timedelta(hours=1), 3
AT_A_TIME = 50


@dataclass(frozen=True, slots=True)
class Appointed:
    """Who signs in as more than a member: organisations whose members organise, addresses of the secretariat."""

    organisers: frozenset[UUID] = frozenset()
    secretariat: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody signs in as: for each organisation the own roles in it, and perhaps for the secretariat."""

    roles_in: Mapping[UUID, frozenset[Role]]
    is_admin: bool = False
    name: str | None = None
    language: Language = "da"

    @property
    def anything(self) -> bool:
        return self.is_admin or bool(self.roles_in)

    def sign(self, tokens: Tokens, sign_in: SignIn) -> str:
        roles = {role for roles in self.roles_in.values() for role in roles}
        if self.is_admin:
            roles.add("admin")
        return tokens.sign(
            email=sign_in.email,
            name=self.name,
            roles=roles,
            organisations=self.roles_in,
            roles_in=self.roles_in,
            sign_in=sign_in.id,
            lasts=TOKEN_LASTS,
        )


def ask(session: AsyncSession, email: str) -> None:
    """Keeps that somebody asked. Whether anybody has the address is looked at later, so that no answer tells of it."""
    session.add(SignIn(email=email, email_key=same_address(email)))


async def any_waiting(session: AsyncSession) -> bool:
    return (await session.exec(_waiting().limit(1))).first() is not None


def _waiting() -> Any:
    return select(SignIn).where(col(SignIn.mailed_at).is_(None), col(SignIn.begun_at).is_(None))


async def mail_waiting(session: AsyncSession, appointed: Appointed) -> bool:
    """Has the link mailed to who may sign in, a few times an hour; forgets all others. True when there may be more."""
    waiting = _waiting().order_by(col(SignIn.id)).limit(AT_A_TIME).with_for_update(skip_locked=True)
    found = (await session.exec(waiting)).all()
    for sign_in in found:
        standing = await standing_of(session, sign_in, appointed)
        if standing.anything and await _may_mail(session, sign_in.email_key):
            sign_in.mailed_at = utc_now()
            session.add(sign_in)
            tell(session, _asked(sign_in, standing))
        else:
            await session.delete(sign_in)
        await session.flush()
    return len(found) == AT_A_TIME


def _asked(sign_in: SignIn, standing: Standing) -> SignInRequested:
    return SignInRequested(
        sign_in_id=sign_in.id,
        version=1,
        name=standing.name,
        email=sign_in.email,
        language=standing.language,
        at=sign_in.asked_at,
    )


async def _may_mail(session: AsyncSession, email_key: str) -> bool:
    lately = (SignIn.email_key == email_key, col(SignIn.mailed_at) > utc_now() - AN_HOUR)
    return (await session.exec(select(func.count()).select_from(SignIn).where(*lately))).one() < MAILS_AN_HOUR


async def standing_of(session: AsyncSession, sign_in: SignIn, appointed: Appointed) -> Standing:
    """As what the person may sign in now: what the own address gives, and what an identity provider said when asked."""
    own = await _by_address(session, sign_in, appointed)
    if sign_in.granted is None:
        return own
    given = frozenset(role for role in get_args(Role) if role in sign_in.granted["roles"])
    roles_in = {UUID(each): given - {"admin"} for each in sign_in.granted["organisations"]}
    for each, roles in own.roles_in.items():
        roles_in[each] = roles_in.get(each, frozenset()) | roles
    name = own.name or sign_in.granted["name"]
    return Standing(roles_in, own.is_admin or "admin" in given, name, own.language)


async def _by_address(session: AsyncSession, sign_in: SignIn, appointed: Appointed) -> Standing:
    its = select(Member).where(Member.email_key == sign_in.email_key).order_by(col(Member.id))
    members = (await session.exec(its)).all()
    is_admin = sign_in.email_key in {same_address(email) for email in appointed.secretariat}
    if not members:
        return Standing({}, is_admin)
    language: Language = "en" if members[0].language == "en" else "da"
    roles_in = {each.organisation_id: _roles(each, appointed) for each in members}
    return Standing(roles_in, is_admin, members[0].name, language)


async def next_token(
    session: AsyncSession, sign_in: SignIn, appointed: Appointed, tokens: Tokens
) -> tuple[str, Standing]:
    """A token of an hour for what the person stands as now. Raises NotAuthenticated for who is nobody any more."""
    standing = await standing_of(session, sign_in, appointed)
    if not standing.anything:
        raise NotAuthenticated("Nobody may sign in by this address any more.")
    return standing.sign(tokens, sign_in), standing


def _roles(member: Member, appointed: Appointed) -> frozenset[Role]:
    organises = {"organiser"} if member.organisation_id in appointed.organisers else set()
    return frozenset(role for role in get_args(Role) if role in {member.role, *organises})


async def begin(session: AsyncSession, link: Link) -> SignIn:
    """Signs in by the mailed link, once. Raises LinkExpired for one that was used, or is over."""
    if link.purpose is not Purpose.SIGN_IN:
        raise NotFound()
    link.check(1)
    sign_in = await session.get(SignIn, link.id, with_for_update=True)
    if sign_in is None or sign_in.begun_at is not None or utc_now() - sign_in.asked_at > LINK_LASTS:
        raise LinkExpired("This link was used, or is too old. Ask to sign in again.")
    sign_in.begun_at = utc_now()
    session.add(sign_in)
    log.info("signed in", sign_in=str(sign_in.id))
    return sign_in


def begin_by_word(session: AsyncSession, caller: Caller) -> SignIn:
    """Signs in who came back from an identity provider. Raises NotAuthenticated without an address that counts."""
    if caller.email is None:
        raise NotAuthenticated("The identity provider gave no confirmed address that counts here.")
    granted = {"roles": sorted(caller.roles), "organisations": sorted(map(str, caller.organisations))}
    sign_in = SignIn(
        email=caller.email,
        email_key=same_address(caller.email),
        begun_at=utc_now(),
        granted={**granted, "name": caller.name},
    )
    session.add(sign_in)
    log.info("signed in", sign_in=str(sign_in.id), by="identity provider")
    return sign_in


async def go_on(session: AsyncSession, sign_in_id: UUID | None) -> SignIn:
    """The sign-in of a token that is to be followed by another. Raises NotAuthenticated when it has ended."""
    sign_in = await session.get(SignIn, sign_in_id) if sign_in_id else None
    if sign_in is None or sign_in.begun_at is None or sign_in.ended_at is not None:
        raise NotAuthenticated("You are not signed in any more.")
    if utc_now() - sign_in.begun_at > LASTS_AT_MOST:
        raise NotAuthenticated("You have been signed in for a day's work; sign in again.")
    return sign_in


async def end(session: AsyncSession, sign_in_id: UUID | None) -> None:
    """No token follows the last one. Ending it again changes nothing."""
    sign_in = await session.get(SignIn, sign_in_id) if sign_in_id else None
    if sign_in is not None and sign_in.ended_at is None:
        sign_in.ended_at = utc_now()
        session.add(sign_in)


async def any_old(session: AsyncSession) -> bool:
    return (await session.exec(select(SignIn.id).where(_old()).limit(1))).first() is not None


async def drop_old(session: AsyncSession) -> bool:
    await session.exec(delete(SignIn).where(_old()))
    return False


def _old() -> Any:
    return col(SignIn.asked_at) < utc_now() - KEPT
