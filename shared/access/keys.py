"""Ed25519 key pairs, by which tokens are signed and checked."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)


def new_key_pair() -> tuple[str, str]:
    """A private and a public Ed25519 key, PEM."""
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return private, public_key_of(private)


def public_key_of(private: str) -> str:
    """The public key of a private one, both PEM. Raises TypeError for a key of another kind than Ed25519."""
    key = load_pem_private_key(private.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("this is another kind of key than Ed25519")
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
