"""Who calls, read from a request: a bearer token or API key, or the key of a link."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import APIKeyQuery, HTTPAuthorizationCredentials, HTTPBearer

from shared.access import api_keys
from shared.access.caller import Caller, Role
from shared.access.links import Links
from shared.http.running import Service
from shared.http.sessions import service_of
from shared.problems import NotAuthenticated, NotFound

ANYBODY = "anybody"
_bearer = HTTPBearer(scheme_name="bearer", auto_error=False, description="A JWT of a trusted issuer, or an API key")
_link = APIKeyQuery(name="key", scheme_name="link", auto_error=False, description="The key of a mailed link")

# Marks the operations that need no credentials: `documents` turns it into the empty requirement.
_optional = HTTPBearer(scheme_name=ANYBODY, auto_error=False)

Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
Key = Annotated[str | None, Depends(_link)]


async def _read_caller(request: Request, bearer: HTTPAuthorizationCredentials | None, key: str | None) -> Caller:
    if bearer is not None:
        return await as_now(service_of(request), await _read_bearer(service_of(request), bearer.credentials))
    if request.headers.get("Authorization"):
        raise NotAuthenticated("Only `Authorization: Bearer <token>` is understood.")
    if not key:
        return Caller()
    try:
        return Caller(link=links_of(request).read(key))
    except NotFound as unreadable:
        raise NotAuthenticated(unreadable.detail) from unreadable


async def _read_bearer(service: Service, credentials: str) -> Caller:
    if api_keys.is_api_key(credentials):
        async with service.database.reading() as session:
            return await api_keys.read(session, credentials)
    issuer = service.issuers.of(credentials)
    return await issuer.read(credentials) if issuer is not None else service.tokens.read(credentials)


async def as_now(service: Service, caller: Caller) -> Caller:
    """The caller, acting for what the organisations it names have become."""
    acts_for = service.acts_for
    if acts_for is None or not caller.organisations:
        return caller
    async with service.database.reading() as session:
        if caller.roles_in is None:
            return replace(caller, organisations=await acts_for(session, caller.organisations))
        roles_in: dict[UUID, frozenset[Role]] = {}
        for named, roles in caller.roles_in.items():
            for now in await acts_for(session, frozenset((named,))):
                roles_in[now] = roles_in.get(now, frozenset()) | roles
        return replace(caller, organisations=frozenset(roles_in), roles_in=roles_in)


async def _any_caller(
    request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_optional)], key: Key
) -> Caller:
    return await _read_caller(request, bearer, key)


async def _known_caller(request: Request, bearer: Bearer, key: Key) -> Caller:
    caller = await _read_caller(request, bearer, key)
    if not caller.known:
        raise NotAuthenticated()
    return caller


AnyCaller = Annotated[Caller, Depends(_any_caller)]
KnownCaller = Annotated[Caller, Depends(_known_caller)]


def links_of(request: Request) -> Links:
    return service_of(request).links


TheLinks = Annotated[Links, Depends(links_of)]
