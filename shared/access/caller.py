"""Who calls, and what a caller may: by roles in organisations, or by a link."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args
from uuid import UUID

from shared.access.links import Link, Purpose
from shared.problems import NotAllowed, NotAuthenticated, NotFound

Role = Literal["member", "manager", "organiser", "door", "integration", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
Scope = Literal["read", "personal_data"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. Nobody in particular unless a JWT, an API key or a link says otherwise.

    A role counts for all of the organisations, or where `roles_in` says so for which. `events` are the doors it keeps:
    None for all of its organisations'. `scopes` are what another system may read.
    """

    roles: frozenset[Role] = frozenset()
    organisations: frozenset[UUID] = frozenset()
    roles_in: Mapping[UUID, frozenset[Role]] | None = None
    events: frozenset[UUID] | None = None
    scopes: frozenset[Scope] = frozenset()
    email: str | None = None
    name: str | None = None
    link: Link | None = field(default=None)
    # Which sign-in the token is of, when it is of one.
    sign_in: UUID | None = None

    @property
    def known(self) -> bool:
        return bool(self.roles) or self.link is not None

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles

    def acts_as(self, *roles: Role) -> frozenset[UUID]:
        """The organisations for which the caller has one of these roles."""
        if self.roles_in is None:
            return self.organisations if self.roles & set(roles) else frozenset()
        return frozenset(each for each in self.organisations if self.roles_in.get(each, frozenset()) & set(roles))

    def has(self, role: Role, organisation: UUID | None) -> bool:
        return self.is_admin or organisation in self.acts_as(role)

    def organises(self, organisation: UUID | None) -> bool:
        return self.has("organiser", organisation)

    def manages(self, organisation: UUID | None) -> bool:
        return self.has("manager", organisation)

    def belongs_to(self, organisation: UUID | None) -> bool:
        return self.has("member", organisation) or self.has("manager", organisation)

    def keeps_door(self, event: UUID, organisation: UUID | None) -> bool:
        """Whether the caller may let people in at this event of the organisation."""
        named = self.events is None or event in self.events
        return self.organises(organisation) or (named and self.has("door", organisation))

    def reads(self, organisation: UUID | None, *, people: bool = False) -> bool:
        """Whether another system, or who organises, may read what is the organisation's; of people only if so said."""
        needed = {"read", "personal_data"} if people else {"read"}
        return self.organises(organisation) or (needed <= self.scopes and self.has("integration", organisation))

    def holds(self, purpose: Purpose, thing: UUID, version: int) -> bool:
        """Whether the caller's link opens this; an outdated link for it raises LinkExpired."""
        if self.link is None or self.link.purpose is not purpose or self.link.id != thing:
            return False
        self.link.check(version)
        return True

    def require(self, allowed: bool, *, may_see: bool = False) -> None:
        """Raises what fits: 401 for nobody, 403 for who may see but not do, 404 for who may not see."""
        if allowed:
            return
        if not self.known:
            raise NotAuthenticated()
        raise NotAllowed() if may_see else NotFound()
