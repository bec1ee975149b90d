"""An OpenID provider on this machine: keys, the list of them over HTTP, and tokens signed with them."""

from __future__ import annotations

import json
import time
from typing import Any, Self

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ISSUER = "https://login.example"
AUDIENCE = "tieline"


def rsa_key() -> rsa.RSAPrivateKey:
    """A new key pair."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider:
    """Serves the public halves of `keys` at `url`, and counts how often it is asked."""

    def __init__(self) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = {"k1": rsa_key()}
        self.asked = 0
        self.answer: web.Response | None = None
        """Given instead of the keys."""
        self.url = ""
        application = web.Application()
        application.add_routes([web.get("/keys", self._keys)])
        self._runner = web.AppRunner(application)

    async def __aenter__(self) -> Self:
        """Listen."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/keys"
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop."""
        await self._runner.cleanup()

    async def _keys(self, _request: web.Request) -> web.Response:
        self.asked += 1
        return self.answer or web.json_response(
            {"keys": [self._public(name) for name in self.keys]}
        )

    def _public(self, name: str) -> dict[str, Any]:
        public: Any = self.keys[name].public_key()
        of_kind = (
            jwt.algorithms.RSAAlgorithm
            if isinstance(public, rsa.RSAPublicKey)
            else jwt.algorithms.ECAlgorithm
        )
        return {**json.loads(of_kind.to_jwk(public)), "kid": name, "use": "sig"}

    def token(
        self,
        *,
        key: str = "k1",
        algorithm: str = "RS256",
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A token of Anna, valid for a minute; a claim that is None is left out."""
        now = time.time()
        every = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "anna",
            "iat": now,
            "exp": now + 60,
            **claims,
        }
        return jwt.encode(
            {name: value for name, value in every.items() if value is not None},
            self.keys[key],
            algorithm=algorithm,
            headers={"kid": key, **(header or {})},
        )
