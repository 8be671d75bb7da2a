"""What the matching service tells: organisations, members, introductions. Only that service constructs these."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.message import Contract, Language, Message, Personal, Texts

MemberRole = Literal["member", "manager"]
KeyRole = Literal["door", "integration"]


DomainUse = Literal["web", "mail"]


class ProvenDomain(Contract):
    """A domain that was shown to be the organisation's. Its units share it."""

    domain: str
    use: DomainUse


class OrganisationFacts(Message):
    """An organisation as it stands after the change; what events and notify keep of it.

    It is recognised by what is proven alone: `domains` are, and its number where `cvr_proven` says so.
    """

    aggregate: ClassVar[str] = "organisation_id"

    organisation_id: UUID
    name: str
    kind: str | None = None
    cvr: str | None = None
    country: str = "DK"
    website: str | None = None
    parent: UUID | None = None
    published: bool = False
    claimed: bool = False
    link_version: int | None = None
    domains: tuple[ProvenDomain, ...] | None = None
    cvr_proven: bool | None = None


class OrganisationCreated(OrganisationFacts):
    type: ClassVar[str] = "matching.organisation.created.v1"


class OrganisationUpdated(OrganisationFacts):
    type: ClassVar[str] = "matching.organisation.updated.v1"


class OrganisationMerged(OrganisationFacts):
    """One was registered twice. The facts are those of the organisation it goes on as; `merged_id` means that one now.

    It goes on even where its version is not news: what the merged one had is the other's, whatever came before.
    """

    type: ClassVar[str] = "matching.organisation.merged.v1"

    merged_id: UUID


class OrganisationErased(Message):
    """Its last message: every service forgets it, and answers with what it erased and what it kept."""

    type: ClassVar[str] = "matching.organisation.erased.v1"
    aggregate: ClassVar[str] = "organisation_id"

    organisation_id: UUID
    erasure_id: UUID


class OrganisationExportRequested(Message):
    """Its people want all that is held of it: every service answers with its parts."""

    type: ClassVar[str] = "matching.organisation.export_requested.v1"
    aggregate: ClassVar[str] = "organisation_id"

    organisation_id: UUID
    export_id: UUID


class OrganisationContact(Contract):
    name: Personal
    email: Personal
    title: Personal | None = None
    phone: Personal | None = None
    language: Language = "da"


class ProfileLinkRequested(Message):
    """Somebody may complete a profile: the mailed link is derived from id and `link_version`."""

    type: ClassVar[str] = "matching.organisation.link_requested.v1"
    aggregate: ClassVar[str] = "organisation_id"

    organisation_id: UUID
    name: str
    link_version: int
    recipient: OrganisationContact
    reason: Literal["created", "claimed", "registered", "lost"]


class MemberFacts(Message):
    aggregate: ClassVar[str] = "member_id"

    member_id: UUID
    organisation_id: UUID
    name: Personal
    email: Personal
    role: MemberRole
    language: Language = "da"


class MemberAdded(MemberFacts):
    type: ClassVar[str] = "matching.member.added.v1"


class MemberRemoved(MemberFacts):
    type: ClassVar[str] = "matching.member.removed.v1"


class ApiKeyFacts(Message):
    """What a key of another system may do. It is known again by the SHA-256 of its text, which nobody is told.

    What it may do never changes: another key is another aggregate.
    """

    aggregate: ClassVar[str] = "api_key_id"

    api_key_id: UUID
    sha256: str
    role: KeyRole
    organisation_id: UUID
    scopes: tuple[str, ...] = ()
    events: tuple[UUID, ...] = ()
    expires_at: datetime


class ApiKeyIssued(ApiKeyFacts):
    type: ClassVar[str] = "matching.api_key.issued.v1"


class ApiKeyRevoked(ApiKeyFacts):
    """Over for good, whatever is told after it."""

    type: ClassVar[str] = "matching.api_key.revoked.v1"


class SignInRequested(Message):
    """Somebody who may sign in asked to: the mailed link is derived from `sign_in_id`, opens once and not for long."""

    type: ClassVar[str] = "matching.sign_in.requested.v1"
    aggregate: ClassVar[str] = "sign_in_id"

    sign_in_id: UUID
    name: Personal | None = None
    email: Personal
    language: Language = "da"
    at: datetime


class FoundPartner(Contract):
    """A partner proposed to an organisation, and why, in words to it."""

    organisation_id: UUID
    name: str
    summary: Texts | None = None
    explanation: Texts


class SuggestionsFound(Message):
    """New profiles are strong partners for an organisation: the best by name, and how many more. Each is told once."""

    type: ClassVar[str] = "matching.suggestion.found.v1"
    aggregate: ClassVar[str] = "organisation_id"

    organisation_id: UUID
    name: str
    link_version: int
    contacts: tuple[OrganisationContact, ...]
    partners: tuple[FoundPartner, ...]
    more: int = 0
    at: datetime


class IntroductionParty(Contract):
    """One side of an introduction and whom to write to there; `message` is what this side wrote when it said yes."""

    organisation_id: UUID
    name: str
    summary: Texts | None = None
    link_version: int = 1
    contacts: tuple[OrganisationContact, ...] = ()
    message: Personal | None = None


class Proposal(Contract):
    """The secretariat's: neither side had said yes. `message` is what it wrote to both."""

    message: Personal | None = None


class IntroductionFacts(Message):
    """`asked_by` said yes first, or is the secretariat's choice of first party.

    Of a proposal, whom this message is for is named among a party's `contacts`; a side without any is not told.
    """

    aggregate: ClassVar[str] = "introduction_id"

    introduction_id: UUID
    asked_by: UUID
    parties: tuple[IntroductionParty, IntroductionParty]
    explanation: Texts | None = None
    proposal: Proposal | None = None
    at: datetime


class IntroductionRequested(IntroductionFacts):
    """One side said yes; the other is asked, without that side's contacts. A proposal asks both."""

    type: ClassVar[str] = "matching.introduction.requested.v1"


class IntroductionCompleted(IntroductionFacts):
    """Both said yes: each gets the other's contacts."""

    type: ClassVar[str] = "matching.introduction.completed.v1"


class IntroductionExpired(IntroductionFacts):
    type: ClassVar[str] = "matching.introduction.expired.v1"


class IntroductionOutcomeWanted(IntroductionFacts):
    """Some time after both said yes: a party with `contacts` has not said what became of it, and is asked."""

    type: ClassVar[str] = "matching.introduction.outcome_wanted.v1"
