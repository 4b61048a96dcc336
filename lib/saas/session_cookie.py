"""NextAuth session cookies: compact JWE of NextAuth v4 (A256GCM) and Auth.js v5 (A256CBC-HS512).

Sources: next-auth `jwt/index.ts`, @auth/core `jwt.ts`, RFC 7516, RFC 7518 section 5.
"""

import base64
import binascii
import hmac
import re
from hashlib import sha512
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from saas import credential, json_text

MAX_COOKIE_CHARACTERS = 64_000
_CHUNK_INDEX = re.compile(r"0|[1-9][0-9]?")


class InvalidSession(Exception):
    """The cookie does not hold: wrong key, altered, expired, malformed, or no session at all."""


class CameTwice(InvalidSession):
    """Two cookies claim to be the session; a sibling subdomain may have planted one."""


class PartMissing(InvalidSession):
    """Chunks that do not make a whole; one of them may have been planted."""


class Unopened(InvalidSession):
    """No secret opens it: wrong key, altered, or joined with a chunk that somebody planted."""


def join_chunks(cookies: list[tuple[str, str]], name: str) -> str | None:
    """The value of cookie `name`, whole or joined from `name.0`, `name.1`, … in numeric order.

    Args:
        cookies: all cookies of the request as (name, value), in order.
        name: the configured session cookie.

    Raises:
        CameTwice: a name came twice, or whole and chunked forms are mixed.
        PartMissing: chunks are missing.
    """
    whole = [value for key, value in cookies if key == name]
    chunks: dict[int, str] = {}
    for key, value in cookies:
        if _is_chunk(key, name):
            index = int(key.rpartition(".")[2])
            if index in chunks:
                raise CameTwice("chunk came twice")
            chunks[index] = value
    if len(whole) > 1 or (whole and chunks):
        raise CameTwice("cookie came twice")
    if whole:
        return whole[0]
    if sorted(chunks) != list(range(len(chunks))):
        raise PartMissing("chunk is missing")
    return "".join(chunks[index] for index in sorted(chunks)) or None


def parts(cookies: list[tuple[str, str]], name: str) -> set[str]:
    """The names of all cookies that belong to the session cookie `name`."""
    found = {key for key, _ in cookies}
    return {key for key in found if key == name or _is_chunk(key, name)}


def decrypt(token: str, secrets: list[str], cookie_name: str) -> dict[str, Any]:
    """The claims of a session cookie that one of the secrets opens and whose time has not run out.

    Args:
        token: the joined cookie value.
        secrets: NEXTAUTH_SECRET values, newest first.
        cookie_name: the cookie's name without chunk index; Auth.js v5 derives its key from it.

    Raises:
        Unopened: none of the secrets opens it.
        InvalidSession: the claims are unusable.
    """
    header, parts = _parse(token)
    for secret in secrets:
        try:
            plaintext = _open(header, parts, secret, cookie_name)
        except (InvalidTag, ValueError):
            continue
        return _checked(plaintext)
    raise Unopened("no secret opens the cookie")


def _is_chunk(key: str, name: str) -> bool:
    base, _, index = key.rpartition(".")
    return base == name and _CHUNK_INDEX.fullmatch(index) is not None


def _parse(token: str) -> tuple[dict[str, Any], list[bytes]]:
    segments = token.split(".")
    if len(token) > MAX_COOKIE_CHARACTERS or len(segments) != 5 or segments[1]:
        raise Unopened("not a direct compact JWE")
    try:
        header = json_text.read(_decode(segments[0]))
        parts = [segments[0].encode("ascii"), *(_decode(segment) for segment in segments[2:])]
    except (ValueError, binascii.Error) as error:
        raise Unopened("malformed JWE") from error
    allowed = {"alg", "enc", "kid", "typ"}
    if not isinstance(header, dict) or header.get("alg") != "dir" or header.keys() - allowed:
        raise Unopened("unexpected JWE header")
    return header, parts


def _decode(segment: str) -> bytes:
    return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)


def _open(header: dict[str, Any], parts: list[bytes], secret: str, cookie_name: str) -> bytes:
    aad, iv, ciphertext, tag = parts
    if header.get("enc") == "A256GCM" and len(iv) == 12 and len(tag) == 16:
        key = _derive(secret, b"", b"NextAuth.js Generated Encryption Key", 32)
        return AESGCM(key).decrypt(iv, ciphertext + tag, aad)
    if header.get("enc") == "A256CBC-HS512" and len(iv) == 16 and len(tag) == 32:
        info = f"Auth.js Generated Encryption Key ({cookie_name})".encode()
        key = _derive(secret, cookie_name.encode(), info, 64)
        return _open_cbc(key, aad, iv, ciphertext, tag)
    raise ValueError("unsupported encryption")


def _derive(secret: str, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(
        secret.encode()
    )


def _open_cbc(key: bytes, aad: bytes, iv: bytes, ciphertext: bytes, tag: bytes) -> bytes:
    """AES_256_CBC_HMAC_SHA_512 (RFC 7518 section 5.2.5): authenticate, then decrypt."""
    mac_key, encryption_key = key[:32], key[32:]
    signed = aad + iv + ciphertext + (len(aad) * 8).to_bytes(8, "big")
    if not hmac.compare_digest(hmac.new(mac_key, signed, sha512).digest()[:32], tag):
        raise InvalidTag
    decryptor = Cipher(algorithms.AES(encryption_key), modes.CBC(iv)).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def _checked(plaintext: bytes) -> dict[str, Any]:
    try:
        said = json_text.read(plaintext)
        if not isinstance(said, dict):
            raise InvalidSession("claims are not an object")
        credential.check_times(said)
    except ValueError as error:
        raise InvalidSession("claims do not hold") from error
    if not isinstance(said.get("sub"), str) or not said["sub"]:
        raise InvalidSession("no subject: a state or PKCE cookie, not a session")
    return said
