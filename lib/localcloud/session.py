"""Session cookies as NextAuth v4 and Auth.js v5 make them.

Source: `encode` in next-auth 4 `src/jwt/index.ts` and @auth/core `src/jwt.ts`: a compact JWE with
`alg: dir`, the key derived by HKDF-SHA256 from the secret. The functions only ever decrypt; this is
the local stand-in for the site that signs people in.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import time
import uuid
from typing import Any, Literal

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

V4_COOKIE = "next-auth.session-token"
V5_COOKIE = "authjs.session-token"
LIFETIME_SECONDS = 30 * 24 * 3600
_CHUNK = {"v4": 3933, "v5": 3936}

Version = Literal["v4", "v5"]


def claims(sub: str, email: str, name: str, *, now: float | None = None) -> dict[str, Any]:
    """The claims of a fresh session."""
    issued = int(time.time() if now is None else now)
    return {
        "name": name,
        "email": email,
        "picture": None,
        "sub": sub,
        "iat": issued,
        "exp": issued + LIFETIME_SECONDS,
        "jti": str(uuid.uuid4()),
    }


def encode_v4(payload: dict[str, Any], secret: str) -> str:
    """A NextAuth v4 session token (A256GCM)."""
    header = _b64(b'{"alg":"dir","enc":"A256GCM"}')
    iv = os.urandom(12)
    sealed = AESGCM(_v4_key(secret)).encrypt(iv, json.dumps(payload).encode(), header.encode())
    return ".".join([header, "", _b64(iv), _b64(sealed[:-16]), _b64(sealed[-16:])])


def encode_v5(payload: dict[str, Any], secret: str, cookie_name: str = V5_COOKIE) -> str:
    """An Auth.js v5 session token (A256CBC-HS512), whose key depends on the cookie's name."""
    key = _derive(
        secret,
        salt=cookie_name.encode(),
        info=f"Auth.js Generated Encryption Key ({cookie_name})",
        length=64,
    )
    header = _b64(b'{"alg":"dir","enc":"A256CBC-HS512"}')
    iv = os.urandom(16)
    padder = PKCS7(128).padder()
    padded = padder.update(json.dumps(payload).encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key[32:]), modes.CBC(iv)).encryptor()
    sealed = encryptor.update(padded) + encryptor.finalize()
    # RFC 7518 5.2.2.1: MAC over AAD, IV, ciphertext and the AAD's length in bits; half of it.
    length = (len(header) * 8).to_bytes(8, "big")
    tag = hmac.new(key[:32], header.encode() + iv + sealed + length, hashlib.sha512).digest()[:32]
    return ".".join([header, "", _b64(iv), _b64(sealed), _b64(tag)])


def chunks(name: str, token: str, version: Version = "v4") -> dict[str, str]:
    """The cookies that carry a token: one, or `<name>.0`, `<name>.1`, … when it is too long."""
    size = _CHUNK[version]
    if len(token) <= size:
        return {name: token}
    parts = [token[start : start + size] for start in range(0, len(token), size)]
    return {f"{name}.{index}": part for index, part in enumerate(parts)}


def joined(name: str, cookies: dict[str, str]) -> str | None:
    """The token that `cookies` carry under `name`, whole or in chunks."""
    if name in cookies:
        return cookies[name]
    numbered = re.compile(re.escape(name) + r"\.[0-9]{1,2}")
    parts = [key for key in cookies if numbered.fullmatch(key)]
    parts.sort(key=lambda key: int(key[len(name) + 1 :]))
    return "".join(cookies[key] for key in parts) or None


def _v4_key(secret: str) -> bytes:
    return _derive(secret, salt=b"", info="NextAuth.js Generated Encryption Key", length=32)


def _derive(secret: str, *, salt: bytes, info: str, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info.encode()).derive(
        secret.encode()
    )


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
