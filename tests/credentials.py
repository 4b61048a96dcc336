"""Credentials made by independent libraries: NextAuth cookies by joserfc, tokens by PyJWT."""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe
from joserfc.jwk import OctKey

SECRET = "a-session-secret-of-the-test"
V4_COOKIE = "next-auth.session-token"
V5_COOKIE = "authjs.session-token"


def claims(
    user_id: str | None = "user-1", *, expires_in: float = 3600, **extra: Any
) -> dict[str, Any]:
    """NextAuth's session claims; `user_id=None` leaves `sub` out, as a state cookie does."""
    now = int(time.time())
    base = {
        "name": "Ada",
        "email": "ada@example.com",
        "iat": now,
        "exp": now + expires_in,
        "jti": "j",
    }
    return {**base, **({} if user_id is None else {"sub": user_id}), **extra}


def v4_token(content: dict[str, Any], secret: str = SECRET) -> str:
    """A session token as NextAuth v4 writes it."""
    return jwe.encrypt_compact(
        {"alg": "dir", "enc": "A256GCM"}, json.dumps(content), OctKey.import_key(v4_key(secret))
    )


def v4_key(secret: str) -> bytes:
    """The key that NextAuth v4 derives from its secret."""
    return _derive(secret, b"", b"NextAuth.js Generated Encryption Key", 32)


def v5_token(content: dict[str, Any], secret: str = SECRET, cookie: str = V5_COOKIE) -> str:
    """A session token as Auth.js v5 writes it for the cookie of that name."""
    info = f"Auth.js Generated Encryption Key ({cookie})".encode()
    key = _derive(secret, cookie.encode(), info, 64)
    header = {"alg": "dir", "enc": "A256CBC-HS512", "kid": "thumbprint"}
    return jwe.encrypt_compact(header, json.dumps(content), OctKey.import_key(key))


def v4_cookie(user_id: str = "user-1", **extra: Any) -> str:
    """`name=value` of a valid v4 session."""
    return f"{V4_COOKIE}={v4_token(claims(user_id, **extra))}"


class Issuer:
    """A Cognito-like token issuer with one RSA key."""

    def __init__(self, url: str = "https://issuer.test/pool", client_id: str = "client-1") -> None:
        self.url = url
        self.client_id = client_id
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwks(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": "key-1", "alg": "RS256", "use": "sig"}]}

    def token(self, use: str = "access", **changes: Any) -> str:
        """A valid access or ID token; `changes` replace claims (None removes one)."""
        now = int(time.time())
        audience = {"access": "client_id", "id": "aud"}.get(use, "client_id")
        content = {
            "sub": "user-1",
            "iss": self.url,
            "token_use": use,
            "iat": now,
            "exp": now + 300,
            audience: self.client_id,
            **changes,
        }
        content = {name: value for name, value in content.items() if value is not None}
        return jwt.encode(content, self.key, algorithm="RS256", headers={"kid": "key-1"})


def _derive(secret: str, salt: bytes, info: bytes, length: int) -> bytes:
    kdf = HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info)
    return kdf.derive(secret.encode())
