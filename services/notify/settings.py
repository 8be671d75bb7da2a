"""What the notify service is told from outside, beyond what every service is."""

import ssl
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.fields import wire_address
from shared.settings import LOOPBACK, ServiceSettings

SCHEMES = ("smtp", "smtp+starttls", "smtps")
# A host by its whole name, or an address in brackets (RFC 5321, 4.1.2).
HeloName = Annotated[str, Field(pattern=r"^([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f.:IPvip]+\])$", max_length=255)]
StartTls = Literal["required", "if_offered", "off"]


class Settings(ServiceSettings):
    """`smtp_url` is smtp:// (encrypted as `smtp_starttls` says), smtp+starttls:// (only encrypted) or smtps://.

    A name and password stand in it as in any URL, so it may come as a secret file. `smtp_helo_name` is who we say we
    are, else the domain of `mail_from`; `smtp_ca_file` holds who vouches for the server, else the system knows;
    `smtp_patience` is for how many seconds the server may think about a mail that it has.
    """

    smtp_url: SecretStr = SecretStr("smtp://127.0.0.1:2525")
    smtp_connections: int = 4
    smtp_helo_name: HeloName | None = None
    smtp_starttls: StartTls | None = None
    smtp_ca_file: Path | None = None
    # RFC 5321, 4.5.3.2.6: less, and a mail that was taken is sent again.
    smtp_patience: float = Field(default=600.0, gt=0)
    mail_from: str = "Videnbro <videnbro@example.org>"

    @field_validator("smtp_url")
    @classmethod
    def _names_a_server(cls, url: SecretStr) -> SecretStr:
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in SCHEMES or not parts.hostname:
            raise ValueError(f"smtp_url must name a server after one of {', '.join(f'{each}://' for each in SCHEMES)}")
        return url

    @field_validator("smtp_helo_name", "smtp_starttls", "smtp_ca_file", mode="before")
    @classmethod
    def _empty_is_not_set(cls, value: object) -> object:
        return value or None

    @field_validator("smtp_ca_file")
    @classmethod
    def _holds_certificates(cls, file: Path | None) -> Path | None:
        try:
            ssl.create_default_context(cafile=file)
        except OSError as unreadable:
            raise ValueError(f"smtp_ca_file must be a file of PEM certificates: {unreadable}") from unreadable
        return file

    @field_validator("mail_from")
    @classmethod
    def _has_an_address(cls, sender: str) -> str:
        address = parseaddr(sender)[1]
        if "@" not in address or not wire_address(address).isascii():
            raise ValueError('mail_from must hold an ASCII address, such as "Videnbro <videnbro@example.org>"')
        return sender

    @model_validator(mode="after")
    def _says_once_how_to_encrypt(self) -> Self:
        scheme = urlsplit(self.smtp_url.get_secret_value()).scheme
        if scheme != "smtp" and self.smtp_starttls not in (None, "required"):
            raise ValueError(f"smtp_starttls: {scheme}:// is always encrypted; use smtp:// with {self.smtp_starttls!r}")
        return self

    @model_validator(mode="after")
    def _production_mails_somewhere(self) -> Self:
        if self.mode == "production" and urlsplit(self.smtp_url.get_secret_value()).hostname in LOOPBACK:
            raise ValueError("smtp_url: production mode needs a mail server that is not this machine itself")
        return self

    @cached_property
    def mail_address(self) -> str:
        """The bare address of `mail_from`, as it goes out."""
        return wire_address(parseaddr(self.mail_from)[1])

    @property
    def starttls(self) -> StartTls:
        """After connecting; off where the connection is encrypted from its first byte."""
        scheme = urlsplit(self.smtp_url.get_secret_value()).scheme
        if scheme == "smtps":
            return "off"
        return self.smtp_starttls or ("required" if scheme == "smtp+starttls" else "if_offered")

    @property
    def helo_name(self) -> str:
        return self.smtp_helo_name or self.mail_address.rpartition("@")[2]
