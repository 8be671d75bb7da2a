"""Who we say we are, and what is encrypted: real TLS, with a certificate made here."""

import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from services.notify.mail.answers import RefusesUs
from services.notify.mail.mailer import Mailer
from services.notify.settings import Settings
from shared.fields import utc_now
from tests.notify.mailbox import Mailbox, running_mailbox
from tests.support.services import NO_BUS

TO = "jens@example.org"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of 127.0.0.1, signed by itself; the key stands in the same file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc_now() - timedelta(days=1))
        .not_valid_after(utc_now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
async def server(certificate: Path) -> AsyncIterator[Mailbox]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with running_mailbox(tls_context=context) as mailbox:
        yield mailbox


async def encrypted(mailbox: Mailbox, **settings: Any) -> bool:
    """Whether the mail that was taken came encrypted."""
    told = Settings.model_validate({"smtp_url": mailbox.url, "nats_url": NO_BUS, **settings})
    mailer = Mailer(told, CollectorRegistry())
    try:
        await mailer.send(TO, b"Subject: x\r\n\r\nx\r\n")
    finally:
        await mailer.close()
    return mailbox.handed_over[-1][1]


async def test_encryption_that_is_offered_is_used_whoever_vouches_for_it(server: Mailbox) -> None:
    assert await encrypted(server)
    assert not await encrypted(server, smtp_starttls="off")


async def test_required_encryption_is_checked_against_those_who_vouch(server: Mailbox, certificate: Path) -> None:
    assert await encrypted(server, smtp_starttls="required", smtp_ca_file=certificate)
    assert await encrypted(server, smtp_url=f"smtp+starttls://127.0.0.1:{server.port}", smtp_ca_file=certificate)
    with pytest.raises(RefusesUs, match="CERTIFICATE_VERIFY_FAILED"):
        await encrypted(server, smtp_starttls="required")


async def test_a_password_goes_to_the_one_server_alone(server: Mailbox) -> None:
    with pytest.raises(RefusesUs, match="CERTIFICATE_VERIFY_FAILED"):
        await encrypted(server, smtp_url=f"smtp://notify:secret@127.0.0.1:{server.port}")
    assert server.received == []


async def test_required_encryption_that_is_not_offered_holds_the_mail(mailbox: Mailbox) -> None:
    with pytest.raises(RefusesUs, match="STARTTLS"):
        await encrypted(mailbox, smtp_starttls="required")
    assert mailbox.received == []


async def test_encryption_that_is_offered_and_broken_is_done_without() -> None:
    without_certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    async with running_mailbox(tls_context=without_certificate) as mailbox:
        assert not await encrypted(mailbox)


async def test_we_say_a_whole_name(mailbox: Mailbox) -> None:
    await encrypted(mailbox, mail_from="Videnbro <post@rødgrød.example>")
    await encrypted(mailbox, smtp_helo_name="notify.example.org")
    assert mailbox.greeted_as == {"xn--rdgrd-vuad.example", "notify.example.org"}


def test_a_setting_that_is_empty_is_not_set() -> None:
    settings = Settings.model_validate({"smtp_starttls": "", "smtp_helo_name": "", "smtp_ca_file": ""})
    assert (settings.starttls, settings.helo_name, settings.smtp_ca_file) == ("if_offered", "example.org", None)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"smtp_url": "smtps://mail.example.org", "smtp_starttls": "off"}, "smtps:// is always encrypted"),
        ({"smtp_ca_file": "/nowhere/ca.pem"}, "smtp_ca_file must be a file of PEM certificates"),
        ({"smtp_helo_name": "two words"}, "smtp_helo_name"),
        ({"smtp_starttls": "perhaps"}, "smtp_starttls"),
    ],
)
def test_settings_that_contradict_or_name_nothing_are_refused(settings: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings.model_validate(settings)
