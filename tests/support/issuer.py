"""An identity provider of forty lines, on a real port: for rotation, forged headers and its going away."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

AUDIENCE = "videnbro-interface"


class TinyIssuer:
    """`keys` are what it publishes by `kid`; `asked` counts how often it was asked for them; it may be `away`."""

    def __init__(self) -> None:
        self.keys = {"one": ec.generate_private_key(ec.SECP256R1())}
        self.asked, self.away, self.address = 0, False, ""

    def rotate(self, kid: str, *, drop: bool = True) -> None:
        kept = {} if drop else self.keys
        self.keys = {**kept, kid: ec.generate_private_key(ec.SECP256R1())}

    def sign(
        self, kid: str | None = "one", *, by: str | None = None, header: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        now = datetime.now(UTC)
        claims = {
            "iss": self.address,
            "aud": AUDIENCE,
            "sub": "1",
            "iat": now,
            "exp": now + timedelta(hours=1),
            **changes,
        }
        headers = {**({"kid": kid} if kid else {}), **(header or {})}
        said = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(said, self.keys[by or kid or "one"], algorithm="ES256", headers=headers)

    def answer(self, path: str) -> dict[str, Any] | None:
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.address, "jwks_uri": f"{self.address}/keys"}
        if path != "/keys":
            return None
        self.asked += 1
        public = {kid: json.loads(ECAlgorithm.to_jwk(key.public_key())) for kid, key in self.keys.items()}
        return {"keys": [{**jwk, "kid": kid, "use": "sig"} for kid, jwk in public.items()]}


@contextmanager
def running_issuer() -> Iterator[TinyIssuer]:
    issuer = TinyIssuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = None if issuer.away else issuer.answer(self.path)
            self.send_response(200 if found else 503)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, format: str, *words: Any) -> None:  # noqa: A002 -- the library's own name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
