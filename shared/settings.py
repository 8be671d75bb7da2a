"""What every service is told from outside: by environment variables and files of secrets."""

import os
from functools import cached_property
from typing import Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ServiceName = Literal["events", "matching", "notify"]
SERVICES: tuple[ServiceName, ...] = ("events", "matching", "notify")

DEVELOPMENT_LINK_SECRET = "development-only-link-secret"  # noqa: S105 -- refused in production mode
MIN_SECRET_LENGTH = 32
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


class TrustedIssuer(BaseModel):
    """An identity provider whose word is taken (OpenID Connect).

    Its roles count for organisations of `speaks_for` alone, its confirmed addresses at `email_domains` alone; only one
    that speaks for all makes administrators. `roles` are its words for ours; without any it uses ours. With `client_id`
    people sign in by it on pages, at a button with its `title`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    title: str
    issuer: str
    audience: str
    roles_claim: str = "roles"
    organisations_claim: str = "orgs"
    roles: dict[str, str] = {}
    speaks_for: frozenset[UUID] | Literal["all"] = frozenset()
    email_domains: frozenset[str] | Literal["all"] = frozenset()
    algorithms: tuple[Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"], ...] = ("RS256", "ES256")
    client_id: str = ""

    @field_validator("issuer")
    @classmethod
    def _is_reached_safely(cls, address: str) -> str:
        cls.require_safe(address)
        return address

    @staticmethod
    def require_safe(address: str) -> None:
        """Raises ValueError for an address where others could answer in its place: it is https, or this machine."""
        parts = urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError(f"{address} must be https")


class ServiceSettings(BaseSettings):
    """Read from `VIDENBRO_*` variables, and from files of the same (lower-case) names in `VIDENBRO_SECRETS_DIR`.

    A variable wins over a file. `mode=production` refuses development keys and loopback mail addresses.
    """

    model_config = SettingsConfigDict(env_prefix="VIDENBRO_", extra="ignore")

    mode: Literal["development", "production"] = "development"
    database_url: str = "sqlite+aiosqlite://"
    database_connections: int = 4
    lock_seconds: float = 3
    statement_seconds: float = 10
    idle_in_transaction_seconds: float = 15
    silence_seconds: float = 12
    announce_seconds: float = 0
    # One address, or those of a cluster's servers with commas between them.
    nats_url: str = "nats://127.0.0.1:4222"
    nats_user: str | None = None
    nats_password: SecretStr | None = None
    # Of each stream, when it is provisioned: 3 for a cluster of three servers or more.
    stream_replicas: int = Field(default=1, ge=1, le=5)
    link_secret: SecretStr = SecretStr(DEVELOPMENT_LINK_SECRET)
    jwt_public_key: str | None = None
    jwt_private_key: SecretStr | None = None
    issuers: tuple[TrustedIssuer, ...] = ()
    public_urls: dict[ServiceName, str] = {
        "events": "http://127.0.0.1:8001",
        "matching": "http://127.0.0.1:8002",
        "notify": "http://127.0.0.1:8003",
    }
    allowed_origins: tuple[str, ...] = ()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"

    @classmethod
    def load(cls) -> Self:
        folder = os.environ.get("VIDENBRO_SECRETS_DIR")
        return cls(_secrets_dir=folder)

    @field_validator("nats_url")
    @classmethod
    def _names_servers(cls, urls: str) -> str:
        if not all(url.strip() for url in urls.split(",")):
            raise ValueError("nats_url: an address is empty; give one, or several with commas between them")
        return urls

    @field_validator("public_urls")
    @classmethod
    def _without_trailing_slash(cls, urls: dict[str, str]) -> dict[str, str]:
        return {service: url.rstrip("/") for service, url in urls.items()}

    @model_validator(mode="after")
    def _production_has_keys_of_its_own(self) -> Self:
        if self.mode == "production":
            secret = self.link_secret.get_secret_value()
            if secret == DEVELOPMENT_LINK_SECRET or len(secret) < MIN_SECRET_LENGTH:
                raise ValueError(
                    f"link_secret: production mode needs a secret of its own, at least {MIN_SECRET_LENGTH} characters"
                )
            if self.jwt_public_key is None:
                raise ValueError("jwt_public_key: production mode needs the public key of the issuer")
            if self.database_url == "sqlite+aiosqlite://":
                raise ValueError("database_url: production mode needs a database that is kept")
        return self

    @cached_property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def nats_servers(self) -> list[str]:
        return [url.strip() for url in self.nats_url.split(",")]

    def public_url(self, service: ServiceName, path: str) -> str:
        """The address people see for `path` of a service."""
        return self.public_urls[service] + path
