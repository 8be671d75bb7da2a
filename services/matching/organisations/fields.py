"""What an organisation may say of itself: the forms that `POST`, `PATCH` and the import take."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from shared.domains import checked_domain
from shared.fields import CompanyNumber, Email, Input, Language, Line, LineTexts, LongText, LongTexts, Phone, Url
from shared.vocabulary import Choice, FocusArea, Hub, Kind

MOST_STATEMENTS = 100


def _each_once(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


Category = Annotated[str, Choice("categories")]
Sector = Annotated[str, Choice("sectors")]
Stream = Annotated[str, Choice("streams")]
# By number of people and turnover, as the European Commission's recommendation 2003/361/EC draws the lines.
Size = Literal["micro", "small", "medium", "large"]
Visibility = Literal["public", "members"]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
PNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{10}$")]
Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]
DomainName = Annotated[Line, Field(max_length=253), AfterValidator(checked_domain)]
ImportKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]
EventReference = Annotated[Line, Field(max_length=100)]
StatementText = Annotated[LongText, Field(max_length=2_000)]
StatementTexts = Annotated[dict[Language, StatementText], Field(min_length=1)]


class Location(Input):
    city: Line
    country: Country = "DK"
    main: bool = False


class Contact(Input):
    """A person to write to. Private until an introduction."""

    name: Line
    email: Email
    title: Line | None = None
    phone: Phone | None = None
    language: Language = "da"


class Resource(Input):
    """A surplus or a requirement: `out` is given away, `in` is taken."""

    stream: Stream
    quantity: float | None = Field(default=None, ge=0, le=1e12, allow_inf_nan=False)
    unit: Annotated[Line, Field(max_length=40)] | None = None
    per: Literal["hour", "day", "week", "month", "year"] | None = None
    direction: Literal["in", "out"] | None = None


class Offer(Input):
    """One thing the organisation can give. A new one gets its `id` from us."""

    id: str | None = Field(default=None, min_length=1, max_length=40)
    category: Category
    title: LineTexts | None = None
    text: StatementTexts
    resource: Resource | None = None
    visibility: Visibility = "public"
    valid_until: Day | None = Field(default=None, description="The last day on which it holds")


class Need(Offer):
    """One thing it looks for; shown to members of published organisations unless it says `public`."""

    visibility: Visibility = "members"


Offers = Annotated[list[Offer], Field(max_length=MOST_STATEMENTS)]
Needs = Annotated[list[Need], Field(max_length=MOST_STATEMENTS)]
Sectors = Annotated[list[Sector], Field(max_length=20), AfterValidator(_each_once)]
FocusAreas = Annotated[list[FocusArea], Field(max_length=20), AfterValidator(_each_once)]
Locations = Annotated[list[Location], Field(max_length=50)]
Languages = Annotated[list[Language], Field(max_length=2), AfterValidator(_each_once)]
Contacts = Annotated[list[Contact], Field(max_length=20)]


class ProfileInput(Input):
    """An organisation as it is made. Unpublished until its mailed link is used, unless the secretariat makes it."""

    name: Line
    kind: Kind
    parent: UUID | None = None
    cvr: CompanyNumber | None = None
    p_number: PNumber | None = None
    country: Country = "DK"
    size: Size | None = None
    locations: Locations = []
    website: Url | None = None
    summary: LongTexts | None = None
    offers: Offers = []
    needs: Needs = []
    sectors: Sectors = []
    focus_areas: FocusAreas = []
    hub: Hub | None = None
    languages: Languages = []
    contacts: Contacts = []
    published: bool = True

    def given(self) -> dict[str, Any]:
        """The fields that were sent, as they are stored."""
        return {name: value for name, value in self.model_dump(mode="json").items() if name in self.model_fields_set}


class ProfileChange(Input):
    """JSON Merge Patch (RFC 7396): a field left out stays, null empties it, arrays are replaced whole."""

    name: Line = Field(default_factory=str)
    kind: Kind = Field(default_factory=str)
    parent: UUID | None = None
    cvr: CompanyNumber | None = None
    p_number: PNumber | None = None
    country: Country = Field(default_factory=str)
    size: Size | None = None
    locations: Locations = Field(default_factory=list)
    website: Url | None = None
    summary: dict[Language, LongText | None] | None = None
    offers: Offers = Field(default_factory=list)
    needs: Needs = Field(default_factory=list)
    sectors: Sectors = Field(default_factory=list)
    focus_areas: FocusAreas = Field(default_factory=list)
    hub: Hub | None = None
    languages: Languages = Field(default_factory=list)
    contacts: Contacts = Field(default_factory=list)
    published: bool = Field(default_factory=bool)

    def given(self) -> dict[str, Any]:
        """The fields that were sent, as they are stored."""
        return {name: value for name, value in self.model_dump(mode="json").items() if name in self.model_fields_set}


class ImportRow(ProfileInput):
    """A row of an import. `key` is the importer's own: the same key again updates the same organisation."""

    key: ImportKey | None = None
    parent_key: ImportKey | None = None
    # Proven by the import: whoever writes from a mail domain is recognised. A parent's are its units' too.
    web_domains: Annotated[list[DomainName], Field(max_length=20)] = []
    mail_domains: Annotated[list[DomainName], Field(max_length=20)] = []
