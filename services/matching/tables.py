"""The rows of the matching service. A table class never goes over the wire."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from shared.access import api_keys
from shared.database import new_metadata, uuid7
from shared.fields import utc_now
from shared.messaging.tables import add_to

_IS_UNTOLD = text("told_at IS NULL")
_IS_OPEN = text("settled_at IS NULL")
_IS_PROVEN = text("status = 'proven'")
_Json = JSON().with_variant(JSONB(), "postgresql")


def _none_yet() -> list[Any]:
    """An empty list. The type itself as a factory has its signature read anew for each row made, half a millisecond."""
    return []


class Base(SQLModel):
    metadata = new_metadata()


class Organisation(Base, table=True):
    """A company, institution or authority, and its profile: what it says of itself."""

    __tablename__ = "organisations"
    __table_args__ = (
        UniqueConstraint("import_key"),
        Index("ix_organisations_change", "change"),
        Index("ix_organisations_listing", "published", "name_key", "id"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    version: int = 1
    # The mailed profile link carries it; raising it revokes every link mailed so far.
    link_version: int = 1
    # Given by `changes.number_changes` in the transaction that changed the profile; replicas read on from their own.
    change: int = Field(default=0, sa_type=BigInteger)
    name: str = Field(max_length=200)
    name_key: str = Field(default="", max_length=600)
    kind: str | None = Field(default=None, max_length=20)
    parent: UUID | None = Field(default=None, foreign_key="organisations.id", index=True)
    # What it says it is a unit of, and that one has not said yet: it lists, counts and merges nowhere.
    stated_parent: UUID | None = Field(default=None, foreign_key="organisations.id", index=True, ondelete="SET NULL")
    # Registered twice: it goes on as that one, which is itself merged into none. The row stays for its id and links.
    merged_into: UUID | None = Field(default=None, foreign_key="organisations.id", index=True)
    cvr: str | None = Field(default=None, max_length=20)
    p_number: str | None = Field(default=None, max_length=20)
    country: str = Field(default="DK", max_length=2)
    size: str | None = Field(default=None, max_length=20)
    locations: list[dict[str, Any]] = Field(default_factory=_none_yet, sa_type=_Json)
    website: str | None = Field(default=None, max_length=500)
    # What it has in common with names that people take for the same.
    name_form: str = Field(default="", max_length=600, index=True, sa_column_kwargs={"server_default": ""})
    # The website's, in the form in which domains are compared: only stated, until it stands among the proven ones.
    web_domain: str | None = Field(default=None, max_length=253, index=True)
    # {domain, use}; `domains.prove` and `domains.withdraw` alone write it, from the rows of `domains`.
    proven_domains: list[dict[str, Any]] = Field(
        default_factory=_none_yet, sa_type=_Json, sa_column_kwargs={"server_default": "[]"}
    )
    cvr_proven: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    # Made by an import: what it is known by is the secretariat's to say.
    imported: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    summary: dict[str, str] | None = Field(default=None, sa_type=_Json)
    offers: list[dict[str, Any]] = Field(default_factory=_none_yet, sa_type=_Json)
    needs: list[dict[str, Any]] = Field(default_factory=_none_yet, sa_type=_Json)
    sectors: list[str] = Field(default_factory=_none_yet, sa_type=_Json)
    focus_areas: list[str] = Field(default_factory=_none_yet, sa_type=_Json)
    hub: str | None = Field(default=None, max_length=40)
    languages: list[str] = Field(default_factory=_none_yet, sa_type=_Json)
    contacts: list[dict[str, Any]] = Field(default_factory=_none_yet, sa_type=_Json)
    published: bool = False
    # Whether its own people have used a mailed link; until then what stands here was written by others.
    claimed: bool = False
    publish_when_claimed: bool = False
    import_key: str | None = Field(default=None, max_length=80)
    # Name, summary and public offers, casefolded: what `q` looks in.
    searchable: str = Field(default="", sa_type=Text)
    # How many others it is known to work with already; `partnerships.keep_counts` alone writes it.
    partnerships: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    # The first day on which one of its offers or needs no longer holds.
    lapses_on: date | None = Field(default=None, index=True)
    created_at: datetime = Field(default_factory=utc_now)
    updated_at: datetime = Field(default_factory=utc_now)


class Domain(Base, table=True):
    """Where an organisation's web or mail is: as somebody stated, or as was proven. One holds a proven one."""

    __tablename__ = "domains"
    __table_args__ = (
        UniqueConstraint("organisation_id", "domain", "use"),
        Index("ix_domains_domain", "domain"),
        Index("uq_domains_proven", "domain", "use", unique=True, sqlite_where=_IS_PROVEN, postgresql_where=_IS_PROVEN),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisations.id")
    domain: str = Field(max_length=253)
    # web or mail
    use: str = Field(max_length=10)
    # stated or proven
    status: str = Field(default="stated", max_length=10)
    # own people, link, import or secretariat
    by: str = Field(max_length=20)
    at: datetime = Field(default_factory=utc_now)


class ChangeCounter(Base, table=True):
    """One row. Taken last in a transaction and held to its end, so numbers become visible in their order."""

    __tablename__ = "change_counter"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(default=1, primary_key=True, sa_column_kwargs={"autoincrement": False})
    value: int = Field(default=0, sa_type=BigInteger)


class Member(Base, table=True):
    """A person who may act for an organisation."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("organisation_id", "email_key"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisations.id")
    name: str = Field(max_length=200)
    email: str = Field(max_length=254)
    email_key: str = Field(max_length=254)
    role: str = Field(default="member", max_length=20)
    language: str = Field(default="da", max_length=2)
    version: int = 1
    added_at: datetime = Field(default_factory=utc_now)


class Claim(Base, table=True):
    """Somebody who asked for an organisation's profile link: `mailed`, `waiting`, `approved` or `rejected`."""

    __tablename__ = "claims"
    __table_args__ = (
        UniqueConstraint("organisation_id", "email_key"),
        Index("ix_claims_status_id", "status", "id"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisations.id")
    name: str = Field(max_length=200)
    email: str = Field(max_length=254)
    email_key: str = Field(max_length=254)
    phone: str | None = Field(default=None, max_length=40)
    language: str = Field(default="da", max_length=2)
    reason: str = Field(max_length=20)
    status: str = Field(max_length=20)
    mailed_at: datetime | None = None
    decided_by: str | None = Field(default=None, max_length=254)
    asked_at: datetime = Field(default_factory=utc_now)


class Case(Base, table=True):
    """Something the secretariat has to settle. Of one kind about the same things there is one that is open."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("uq_cases_open", "kind", "about", unique=True, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
        Index("ix_cases_kind_id", "kind", "id"),
        Index("ix_cases_other_id", "other_id"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    # twin, claim, domain, name or nobody_to_ask
    kind: str = Field(max_length=20)
    # The ids and words it is about, in one: what keeps it from being opened twice.
    about: str = Field(max_length=400)
    organisation_id: UUID = Field(foreign_key="organisations.id", index=True)
    other_id: UUID | None = Field(default=None, foreign_key="organisations.id")
    domain: str | None = Field(default=None, max_length=253)
    opened_at: datetime = Field(default_factory=utc_now)
    settled_at: datetime | None = None
    settled_as: str | None = Field(default=None, max_length=20)
    settled_by: str | None = Field(default=None, max_length=254)


class Answer(Base, table=True):
    """What one organisation answers to the suggestion of another. Nobody else ever sees it."""

    __tablename__ = "answers"
    __table_args__ = (Index("ix_answers_other_id", "other_id"),)

    organisation_id: UUID = Field(foreign_key="organisations.id", primary_key=True)
    other_id: UUID = Field(foreign_key="organisations.id", primary_key=True)
    answer: str = Field(max_length=20)
    message: str | None = Field(default=None, sa_type=Text)
    answered_at: datetime = Field(default_factory=utc_now)


class Outcome(Base, table=True):
    """What one organisation says became of its introduction to another. Only the secretariat sees it besides."""

    __tablename__ = "outcomes"
    __table_args__ = (Index("ix_outcomes_other_id", "other_id"),)

    organisation_id: UUID = Field(foreign_key="organisations.id", primary_key=True)
    other_id: UUID = Field(foreign_key="organisations.id", primary_key=True)
    # met, working_together or no_fit
    outcome: str = Field(max_length=20)
    recorded_at: datetime = Field(default_factory=utc_now)


class Introduction(Base, table=True):
    """Two organisations of which one has said yes, or which the secretariat proposed to each other.

    One row a pair, the lower id first. `declined` is what a side that did not want it sees; to everybody else it looks
    `requested` until it expires.
    """

    __tablename__ = "introductions"
    __table_args__ = (
        UniqueConstraint("low_id", "high_id"),
        CheckConstraint("low_id < high_id", name="one_order"),
        Index("ix_introductions_high_id", "high_id"),
        Index("ix_introductions_status_expires_at", "status", "expires_at"),
        Index("ix_introductions_outcome_wanted_at_completed_at", "outcome_wanted_at", "completed_at"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    version: int = 1
    low_id: UUID = Field(foreign_key="organisations.id")
    high_id: UUID = Field(foreign_key="organisations.id")
    # Who said yes first; of a proposal, whom the secretariat named first.
    asked_by: UUID
    # requested, completed, declined, expired or withdrawn
    status: str = Field(max_length=20)
    explanation: dict[str, str] | None = Field(default=None, sa_type=_Json)
    requested_at: datetime
    # When the asked side was told; None while it had said that this is not for it.
    told_at: datetime | None = None
    # Nobody is known who could be asked: the time to answer begins when somebody is.
    nobody_to_ask: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    proposed_at: datetime | None = None
    proposal_message: str | None = Field(default=None, sa_type=Text)
    # As `told_at`, of the side that a proposal names first.
    first_told_at: datetime | None = None
    completed_at: datetime | None = None
    # When the sides that had not said what became of it were asked to.
    outcome_wanted_at: datetime | None = None
    expires_at: datetime


class NewProfile(Base, table=True):
    """A profile that others see for the first time, until those were looked for whom it is a strong partner for."""

    __tablename__ = "new_profiles"

    organisation_id: UUID = Field(foreign_key="organisations.id", ondelete="CASCADE", primary_key=True)
    queued_at: datetime = Field(index=True)


class FoundSuggestion(Base, table=True):
    """A new profile that is a strong partner for an organisation. Told once ever: the row stays."""

    __tablename__ = "found_suggestions"
    __table_args__ = (
        Index("ix_found_suggestions_other_id", "other_id"),
        Index(
            "ix_found_suggestions_untold",
            "organisation_id",
            "found_at",
            sqlite_where=_IS_UNTOLD,
            postgresql_where=_IS_UNTOLD,
        ),
    )

    organisation_id: UUID = Field(foreign_key="organisations.id", ondelete="CASCADE", primary_key=True)
    other_id: UUID = Field(foreign_key="organisations.id", ondelete="CASCADE", primary_key=True)
    score: float
    found_at: datetime
    told_at: datetime | None = None


class Notice(Base, table=True):
    """When an organisation was last told of new partners."""

    __tablename__ = "notices"

    organisation_id: UUID = Field(foreign_key="organisations.id", ondelete="CASCADE", primary_key=True)
    told_at: datetime


class Event(Base, table=True):
    """Our copy of an event of the events service: whose it is and what it is called."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_slug", "slug"),)

    id: UUID = Field(primary_key=True)
    slug: str = Field(max_length=100)
    organisation_id: UUID
    status: str = Field(max_length=20)
    title: dict[str, str] = Field(sa_type=_Json)
    ends_at: datetime


class Going(Base, table=True):
    """Who is going: one registration of one organisation, counted. No person's name is kept."""

    __tablename__ = "going"
    __table_args__ = (Index("ix_going_event_id_organisation_id", "event_id", "organisation_id"),)

    registration_id: UUID = Field(primary_key=True)
    event_id: UUID
    organisation_id: UUID = Field(index=True)
    confirmed: int = 0
    # Of the confirmed, those who agreed to be shown to others who come.
    shown: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    # Confirmed, waiting, or not yet approved.
    signed_up: int = 0


class Erasure(Base, table=True):
    """That an organisation was erased, and at whose word. `asked_by` is manager, link or secretariat."""

    __tablename__ = "erasures"

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    asked_by: str = Field(max_length=20)
    asked_at: datetime = Field(default_factory=utc_now)


class ErasedOrganisation(Base, table=True):
    """All that is left of an organisation, or of one that was merged into it: nothing told late makes it anew."""

    __tablename__ = "erased_organisations"

    organisation_id: UUID = Field(primary_key=True)
    erasure_id: UUID = Field(foreign_key="erasures.id", index=True)
    # The one after its last: with it its end is told, and told again.
    version: int
    link_version: int
    # Given like a profile's, so that every replica takes it out of its index.
    change: int = Field(default=0, sa_type=BigInteger, index=True)


class ErasurePart(Base, table=True):
    """What one service erased and kept of one of them."""

    __tablename__ = "erasure_parts"

    organisation_id: UUID = Field(foreign_key="erased_organisations.organisation_id", primary_key=True)
    service: str = Field(max_length=20, primary_key=True)
    erased: dict[str, int] = Field(sa_type=_Json)
    kept: list[dict[str, Any]] = Field(sa_type=_Json)
    at: datetime


class Export(Base, table=True):
    """The last one asked for of an organisation; the others' parts are kept for a day."""

    __tablename__ = "exports"
    __table_args__ = (UniqueConstraint("organisation_id"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisations.id")
    asked_at: datetime = Field(default_factory=utc_now, index=True)


class ExportedPart(Base, table=True):
    """What another service handed over, as it told it."""

    __tablename__ = "exported_parts"

    export_id: UUID = Field(foreign_key="exports.id", primary_key=True)
    service: str = Field(max_length=20, primary_key=True)
    part: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    parts: int
    items: list[dict[str, Any]] = Field(sa_type=_Json)


class SignIn(Base, table=True):
    """Somebody who asked to sign in, or did: by a mailed link that opens once, or by another's word. Kept for a day."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index("ix_sign_ins_email_key_asked_at", "email_key", "asked_at"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    email: str = Field(max_length=254)
    email_key: str = Field(max_length=254)
    asked_at: datetime = Field(default_factory=utc_now, index=True)
    # None until it was looked at; nobody is told whether a mail was sent.
    mailed_at: datetime | None = None
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    # What an identity provider said of who signed in by it, as a token's claims; without it members say.
    granted: dict[str, Any] | None = Field(default=None, sa_type=_Json)


class IssuedKey(Base, table=True):
    """An API key as whoever manages it sees it. Its text is kept nowhere; `api_keys` is what callers are read by."""

    __tablename__ = "issued_keys"

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    version: int = 1
    organisation_id: UUID = Field(index=True)
    name: str = Field(max_length=200)
    sha256: bytes = Field(sa_type=LargeBinary)
    role: str = Field(max_length=20)
    scopes: list[str] = Field(sa_type=_Json)
    events: list[str] = Field(sa_type=_Json)
    issued_by: str = Field(max_length=254)
    issued_at: datetime = Field(default_factory=utc_now)
    expires_at: datetime
    revoked_at: datetime | None = None


add_to(Base.metadata)
api_keys.add_to(Base.metadata)
