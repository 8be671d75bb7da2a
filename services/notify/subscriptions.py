"""What notify listens to: copies keep the facts that letters need, facts are the letters themselves."""

from typing import TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify import copies
from services.notify.contacts import Person, learn
from services.notify.copies import NotHeardOfYet, event_of
from services.notify.leaving import erasures, exports, partners
from services.notify.letters import events, organisations, registrations
from services.notify.letters.letter import Letter
from services.notify.letters.limits import may_remind
from services.notify.letters.notifications import write_letters, write_to_roll
from services.notify.tables import Contact, Event, Registration, RollEntry
from shared.access import api_keys
from shared.contracts.events import (
    AttendeeCheckedIn,
    AttendeeCheckedOut,
    EventCancelled,
    EventCompleted,
    EventFacts,
    EventPublished,
    EventUpdated,
    RegistrationCancelled,
    RegistrationCreated,
    RegistrationFacts,
    RegistrationReminded,
    RegistrationUpdated,
)
from shared.contracts.matching import (
    ApiKeyFacts,
    ApiKeyIssued,
    ApiKeyRevoked,
    IntroductionCompleted,
    IntroductionExpired,
    IntroductionOutcomeWanted,
    IntroductionRequested,
    MemberAdded,
    MemberRemoved,
    OrganisationCreated,
    OrganisationErased,
    OrganisationExportRequested,
    OrganisationFacts,
    OrganisationMerged,
    OrganisationUpdated,
    ProfileLinkRequested,
    SignInRequested,
    SuggestionsFound,
)
from shared.messaging.subscriptions import Subscriptions, message_at_hand

subscriptions = Subscriptions("notify")
Row = TypeVar("Row", Contact, Registration, RollEntry)
_TOOK_OVER = "registrations with a new contact person"


async def _write(session: AsyncSession, letters: list[Letter], event: Event | None = None) -> None:
    letters = await erasures.without_erased(session, letters)
    await write_letters(session, message_at_hand(session), letters, event)


# --- events: the letter about an update is written before the copy changes, for it tells what was before ---------


@subscriptions.fact(EventUpdated)
async def tell_event_updated(session: AsyncSession, told: EventUpdated) -> None:
    if told.notify == "all":
        before = await session.get(Event, told.event_id, populate_existing=True)
        facts = {"name": None, **events.facts_of_update(told, before)}
        await write_to_roll(session, message_at_hand(session), "event_updated", events.copied(told), facts)


@subscriptions.copy(EventPublished, EventUpdated, EventCancelled, EventCompleted)
async def keep_event(session: AsyncSession, told: EventFacts) -> None:
    await copies.keep_event(session, told)


@subscriptions.fact(EventPublished)
async def tell_event_published(session: AsyncSession, told: EventPublished) -> None:
    await _write(session, events.published(told), events.copied(told))


@subscriptions.fact(EventCancelled)
async def tell_event_cancelled(session: AsyncSession, told: EventCancelled) -> None:
    event = events.copied(told)
    await write_to_roll(session, message_at_hand(session), "event_cancelled", event, {"name": None})


# --- registrations ------------------------------------------------------------------------------------------------


@subscriptions.copy(RegistrationCreated, RegistrationUpdated, RegistrationCancelled)
async def keep_registration(session: AsyncSession, told: RegistrationFacts) -> None:
    if await copies.keep_registration(session, told):
        session.info.setdefault(_TOOK_OVER, set()).add(message_at_hand(session))


@subscriptions.fact(RegistrationCreated)
async def tell_registration_created(session: AsyncSession, told: RegistrationCreated) -> None:
    event, organiser = await event_of(session, told.event_id)
    if event.status == "cancelled":
        await _write(session, registrations.about_cancelled_event(told), event)
    else:
        letters = registrations.created(told) + registrations.to_organiser_of_new(told, organiser)
        await _write(session, letters, event)


@subscriptions.fact(RegistrationUpdated)
async def tell_registration_updated(session: AsyncSession, told: RegistrationUpdated) -> None:
    event, organiser = await event_of(session, told.event_id)
    if message_at_hand(session) in session.info.get(_TOOK_OVER, ()):
        # Only who is new has not heard of it.
        await _write(session, [registrations.to_contact("registration_resent", told)], event)
    elif told.resend:
        await _write(session, registrations.resent(told), event)
    elif event.status != "cancelled":
        letters = registrations.updated(told) + registrations.to_organiser_of_gone(told, organiser)
        await _write(session, letters, event)


@subscriptions.fact(RegistrationCancelled)
async def tell_registration_cancelled(session: AsyncSession, told: RegistrationCancelled) -> None:
    event, organiser = await event_of(session, told.event_id)
    if event.status != "cancelled":
        letters = registrations.cancelled(told) + registrations.to_organiser_of_gone(told, organiser)
        await _write(session, letters, event)


@subscriptions.fact(RegistrationReminded)
async def tell_registration_reminded(session: AsyncSession, told: RegistrationReminded) -> None:
    event, _ = await event_of(session, told.event_id)
    registration = await _heard_of(session, Registration, told.registration_id)
    attendee = await _heard_of(session, RollEntry, told.attendee_id)
    contact = await _heard_of(session, Contact, attendee.contact_id or registration.contact_id)
    if await may_remind(session, contact.id):
        await _write(session, [registrations.reminder(event, registration, attendee, contact)], event)


async def _heard_of(session: AsyncSession, kind: type[Row], identity: UUID) -> Row:
    found = await session.get(kind, identity, populate_existing=True)
    if found is None:
        raise NotHeardOfYet(f"{kind.__name__} {identity}")
    return found


@subscriptions.copy(AttendeeCheckedIn)
async def keep_checked_in(session: AsyncSession, told: AttendeeCheckedIn) -> None:
    await copies.keep_check_in(session, told, inside=True)


@subscriptions.copy(AttendeeCheckedOut)
async def keep_checked_out(session: AsyncSession, told: AttendeeCheckedOut) -> None:
    await copies.keep_check_in(session, told, inside=False)


# --- organisations ------------------------------------------------------------------------------------------------


@subscriptions.copy(OrganisationCreated, OrganisationUpdated, OrganisationMerged)
async def keep_organisation(session: AsyncSession, told: OrganisationFacts) -> None:
    if not await erasures.are_erased(session, {told.organisation_id}):
        await copies.keep_organisation(session, told)


@subscriptions.fact(OrganisationMerged)
async def keep_merge(session: AsyncSession, told: OrganisationMerged) -> None:
    # What was merged into one that was erased since is erased by a message of its own.
    if not await erasures.are_erased(session, {told.merged_id, told.organisation_id}):
        await copies.keep_merge(session, told)


@subscriptions.fact(OrganisationErased)
async def forget_organisation(session: AsyncSession, told: OrganisationErased) -> None:
    await erasures.forget(session, told)


@subscriptions.fact(OrganisationExportRequested)
async def hand_over_organisation(session: AsyncSession, asked: OrganisationExportRequested) -> None:
    await exports.hand_over(session, asked)


@subscriptions.fact(ProfileLinkRequested)
async def tell_profile_link(session: AsyncSession, told: ProfileLinkRequested) -> None:
    if await erasures.are_erased(session, {told.organisation_id}):
        return
    await copies.keep_profile_link(session, told)
    await _write(session, organisations.profile_link(told))


@subscriptions.fact(SignInRequested)
async def tell_sign_in(session: AsyncSession, told: SignInRequested) -> None:
    await _write(session, organisations.sign_in(told))


@subscriptions.copy(MemberAdded)
async def keep_member(session: AsyncSession, told: MemberAdded) -> None:
    await learn(session, [Person(told.email, told.name, told.language)])


@subscriptions.copy(MemberRemoved)
async def forget_member(session: AsyncSession, told: MemberRemoved) -> None:
    await copies.forget_profile_link(session, told)


@subscriptions.fact(SuggestionsFound)
async def tell_suggestions_found(session: AsyncSession, told: SuggestionsFound) -> None:
    gone = await erasures.are_erased(session, {each.organisation_id for each in told.partners})
    await _write(session, organisations.suggestions_found(partners.without(told, gone)))


@subscriptions.fact(IntroductionRequested)
async def tell_introduction_requested(session: AsyncSession, told: IntroductionRequested) -> None:
    await _write(session, organisations.requested(told))


@subscriptions.fact(IntroductionCompleted)
async def tell_introduction_completed(session: AsyncSession, told: IntroductionCompleted) -> None:
    await _write(session, organisations.completed(told))


@subscriptions.fact(IntroductionExpired)
async def tell_introduction_expired(session: AsyncSession, told: IntroductionExpired) -> None:
    await _write(session, organisations.expired(told))


@subscriptions.fact(IntroductionOutcomeWanted)
async def tell_outcome_wanted(session: AsyncSession, told: IntroductionOutcomeWanted) -> None:
    await _write(session, organisations.outcome_wanted(told))


@subscriptions.fact(ApiKeyIssued, ApiKeyRevoked)
async def keep_api_key(session: AsyncSession, told: ApiKeyFacts) -> None:
    await api_keys.keep(session, told)
