"""Who calls, and what a caller may: by roles in organisations, or by a link."""

from dataclasses import dataclass, field
from typing import Literal, get_args
from uuid import UUID

from shared.access.links import Link, Purpose
from shared.problems import NotAllowed, NotAuthenticated, NotFound

Role = Literal["member", "manager", "organiser", "door", "integration", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. Nobody in particular unless a JWT or a link says otherwise."""

    roles: frozenset[Role] = frozenset()
    organisations: frozenset[UUID] = frozenset()
    email: str | None = None
    name: str | None = None
    link: Link | None = field(default=None)

    @property
    def known(self) -> bool:
        return bool(self.roles) or self.link is not None

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles

    def has(self, role: Role, organisation: UUID | None) -> bool:
        return self.is_admin or (role in self.roles and organisation in self.organisations)

    def organises(self, organisation: UUID | None) -> bool:
        return self.has("organiser", organisation)

    def manages(self, organisation: UUID | None) -> bool:
        return self.has("manager", organisation)

    def belongs_to(self, organisation: UUID | None) -> bool:
        return self.has("member", organisation) or self.has("manager", organisation)

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
