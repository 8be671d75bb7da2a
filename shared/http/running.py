"""A service while it runs: the parts that its routes, pages and jobs may use."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from fastapi import FastAPI
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.access.links import Links
from shared.access.openid import Issuers
from shared.access.tokens import tokens_of
from shared.database import Database, Hook, Limits
from shared.messaging.bus import Bus
from shared.messaging.outbox import write_outbox
from shared.messaging.subscriptions import Subscriptions
from shared.settings import ServiceName, ServiceSettings
from shared.telemetry import Figures

# The organisations that a token's go on as, each service by its own copy: one may have been merged since it was signed.
ActsFor = Callable[[AsyncSession, frozenset[UUID]], Awaitable[frozenset[UUID]]]


class Service:
    """What every service has; each adds its own in a class of its own.

    `before_commit` are steps of every writing transaction, after the outbox is written.
    """

    def __init__(
        self,
        name: ServiceName,
        settings: ServiceSettings,
        subscriptions: Subscriptions | None = None,
        *,
        acts_for: ActsFor | None = None,
        before_commit: Sequence[Hook] = (),
    ) -> None:
        self.name, self.settings, self.acts_for = name, settings, acts_for
        self.subscriptions = subscriptions or Subscriptions(name)
        self.bus = Bus(settings, name)
        self.database = Database(
            settings.database_url,
            connections=settings.database_connections,
            limits=Limits(
                lock=settings.lock_seconds,
                statement=settings.statement_seconds,
                idle_in_transaction=settings.idle_in_transaction_seconds,
                silence=settings.silence_seconds,
            ),
            before_commit=(write_outbox, *before_commit),
            after_commit=(self.bus.poke,),
        )
        self.links = Links(settings.link_secret.get_secret_value())
        self.tokens = tokens_of(settings)
        self.issuers = Issuers(settings.issuers)
        self.figures = Figures()
        # Told to stop, and still answering: whoever sends it requests is to see so by its readiness, and go elsewhere.
        self.leaving = False
        self.stopping = asyncio.Event()

    async def start(self) -> None:
        """Before its tasks start and the first request is answered."""

    async def stop(self) -> None:
        """After its tasks have ended, before database and bus are closed."""


class Application(FastAPI):
    """The framework's application, whose state is a service instead of a bag of names."""

    state: Service  # type: ignore[assignment]  # the framework's own would take anything
