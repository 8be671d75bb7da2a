"""What the events service listens to."""

from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.leaving import erasures, exports
from services.events.organisations import erased, merging, recognising
from shared.access import api_keys
from shared.contracts.matching import (
    ApiKeyFacts,
    ApiKeyIssued,
    ApiKeyRevoked,
    MemberAdded,
    MemberFacts,
    MemberRemoved,
    OrganisationCreated,
    OrganisationErased,
    OrganisationExportRequested,
    OrganisationFacts,
    OrganisationMerged,
    OrganisationUpdated,
)
from shared.messaging.subscriptions import Subscriptions

subscriptions = Subscriptions("events")


@subscriptions.copy(OrganisationCreated, OrganisationUpdated, OrganisationMerged)
async def keep_organisation(session: AsyncSession, facts: OrganisationFacts) -> None:
    if not await erased.is_erased(session, facts.organisation_id):
        await recognising.keep_copy(session, facts)


@subscriptions.copy(MemberAdded, MemberRemoved)
async def keep_member(session: AsyncSession, facts: MemberFacts) -> None:
    gone = isinstance(facts, MemberRemoved) or await erased.is_erased(session, facts.organisation_id)
    await recognising.keep_member(session, facts, gone=gone)


@subscriptions.fact(OrganisationMerged)
async def keep_merge(session: AsyncSession, told: OrganisationMerged) -> None:
    await merging.keep(session, told)


@subscriptions.fact(OrganisationErased)
async def forget_organisation(session: AsyncSession, told: OrganisationErased) -> None:
    await erasures.forget(session, told)


@subscriptions.fact(OrganisationExportRequested)
async def hand_over_organisation(session: AsyncSession, asked: OrganisationExportRequested) -> None:
    await exports.hand_over(session, asked)


@subscriptions.fact(ApiKeyIssued, ApiKeyRevoked)
async def keep_api_key(session: AsyncSession, told: ApiKeyFacts) -> None:
    await api_keys.keep(session, told)
