"""What the notify service is told from outside, beyond what every service is."""

from email.utils import parseaddr
from functools import cached_property
from typing import Self
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator, model_validator

from shared.fields import wire_address
from shared.settings import ServiceSettings

LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
SCHEMES = ("smtp", "smtp+starttls", "smtps")


class Settings(ServiceSettings):
    """`smtp_url` is smtp:// (encrypted if the server offers it), smtp+starttls:// (only encrypted) or smtps://.

    A name and password stand in it as in any URL, so it may come as a secret file.
    """

    smtp_url: SecretStr = SecretStr("smtp://127.0.0.1:2525")
    smtp_connections: int = 4
    mail_from: str = "Videnbro <videnbro@example.org>"

    @field_validator("smtp_url")
    @classmethod
    def _names_a_server(cls, url: SecretStr) -> SecretStr:
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in SCHEMES or not parts.hostname:
            raise ValueError(f"smtp_url must name a server after one of {', '.join(f'{each}://' for each in SCHEMES)}")
        return url

    @field_validator("mail_from")
    @classmethod
    def _has_an_address(cls, sender: str) -> str:
        address = parseaddr(sender)[1]
        if "@" not in address or not wire_address(address).isascii():
            raise ValueError('mail_from must hold an ASCII address, such as "Videnbro <videnbro@example.org>"')
        return sender

    @model_validator(mode="after")
    def _production_mails_somewhere(self) -> Self:
        if self.mode == "production" and urlsplit(self.smtp_url.get_secret_value()).hostname in LOOPBACK:
            raise ValueError("smtp_url: production mode needs a mail server that is not this machine itself")
        return self

    @cached_property
    def mail_address(self) -> str:
        """The bare address of `mail_from`, as it goes out."""
        return wire_address(parseaddr(self.mail_from)[1])
