"""Callers for tests: a key pair and a link secret that every service under test is told of."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from uuid import UUID

from shared.access.caller import Role
from shared.access.keys import new_key_pair
from shared.access.links import Links
from shared.access.tokens import Tokens

PRIVATE_KEY, PUBLIC_KEY = new_key_pair()
LINK_SECRET = "a-secret-for-tests-and-nothing-else"

links = Links(LINK_SECRET)
tokens = Tokens(PUBLIC_KEY, PRIVATE_KEY)
Headers = Mapping[str, str]
# Of who shows nothing.
NOBODY: Headers = {}


class CallerHeaders(Mapping[str, str]):
    """The headers of a caller whose token is signed whenever they are read: no caller grows old during a run."""

    def __init__(
        self, roles: tuple[Role, ...], organisations: tuple[UUID, ...], email: str, name: str | None, lasts: timedelta
    ) -> None:
        self._roles, self._organisations = roles, organisations
        self._email, self._name, self._lasts = email, name, lasts

    def __getitem__(self, header: str) -> str:
        if header != "Authorization":
            raise KeyError(header)
        token = tokens.sign(
            email=self._email,
            roles=self._roles,
            organisations=self._organisations,
            name=self._name,
            lasts=self._lasts,
        )
        return f"Bearer {token}"

    def __iter__(self) -> Iterator[str]:
        return iter(["Authorization"])

    def __len__(self) -> int:
        return 1


def as_caller(
    *roles: Role,
    organisation: UUID | None = None,
    email: str = "mette@example.org",
    name: str | None = None,
    lasts: timedelta = timedelta(hours=1),
) -> CallerHeaders:
    """The headers of somebody with these roles: `await client.get(path, headers=as_caller("admin"))`."""
    organisations = () if organisation is None else (organisation,)
    return CallerHeaders(roles, organisations, email, name, lasts)
