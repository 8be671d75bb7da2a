"""Callers for tests: a key pair and a link secret that every service under test is told of."""

from datetime import timedelta
from uuid import UUID

from shared.auth import Links, Role, Tokens, new_key_pair

PRIVATE_KEY, PUBLIC_KEY = new_key_pair()
LINK_SECRET = "a-secret-for-tests-and-nothing-else"

links = Links(LINK_SECRET)
tokens = Tokens(PUBLIC_KEY, PRIVATE_KEY)


def as_caller(
    *roles: Role,
    organisation: UUID | None = None,
    email: str = "mette@example.org",
    name: str | None = None,
    lasts: timedelta = timedelta(hours=1),
) -> dict[str, str]:
    """The headers of somebody with these roles: `await client.get(path, headers=as_caller("admin"))`."""
    organisations = () if organisation is None else (organisation,)
    token = tokens.sign(email=email, roles=roles, organisations=organisations, name=name, lasts=lasts)
    return {"Authorization": f"Bearer {token}"}
