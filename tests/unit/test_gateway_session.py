"""Minted sessions against an independent JOSE library."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe
from joserfc.jwk import OctKey

from localcloud import session
from localcloud.config import StackConfig
from localcloud.gateway.messages import HttpRequest
from localcloud.gateway.pages import safe_path
from localcloud.gateway.sessions import (
    SessionCookie,
    derived_sub,
    read_claims,
    with_user_header,
)

SECRET = "a-secret"
CONFIG = StackConfig(8000, 8001, 8002, 8003, 8004, Path("/nonexistent"))


def opened(token: str, *, salt: bytes, info: str, length: int) -> tuple[Any, Any]:
    kdf = HKDF(algorithm=SHA256(), length=length, salt=salt, info=info.encode())
    registry = jwe.JWERegistry(algorithms=["dir", "A256GCM", "A256CBC-HS512"])
    key = OctKey.import_key(kdf.derive(SECRET.encode()))
    found = jwe.decrypt_compact(token, key, registry=registry)
    return found.protected, json.loads(found.plaintext or b"")


def test_v4_tokens_open_with_another_library() -> None:
    claims = session.claims("user-1", "ada@example.com", "Ada", now=1_000_000)
    header, payload = opened(
        session.encode_v4(claims, SECRET),
        salt=b"",
        info="NextAuth.js Generated Encryption Key",
        length=32,
    )
    assert header == {"alg": "dir", "enc": "A256GCM"}
    assert payload == claims
    assert set(payload) == {"name", "email", "picture", "sub", "iat", "exp", "jti"}
    assert payload["exp"] - payload["iat"] == 30 * 24 * 3600


@pytest.mark.parametrize("name", ["authjs.session-token", "__Secure-authjs.session-token"])
def test_v5_tokens_open_with_another_library(name: str) -> None:
    claims = session.claims("user-1", "ada@example.com", "Ada")
    header, payload = opened(
        session.encode_v5(claims, SECRET, name),
        salt=name.encode(),
        info=f"Auth.js Generated Encryption Key ({name})",
        length=64,
    )
    assert header == {"alg": "dir", "enc": "A256CBC-HS512"}
    assert payload == claims


def test_only_untampered_unexpired_tokens_of_the_secret_are_read_back() -> None:
    token = session.encode_v4(session.claims("u", "e@example.com", "n"), SECRET)
    read = SessionCookie(SECRET).decode(token)
    assert read is not None
    assert read["sub"] == "u"
    assert SessionCookie("other").decode(token) is None
    assert SessionCookie(SECRET).decode(token[:-2] + "AA") is None
    assert SessionCookie(SECRET).decode("a.b") is None
    old = session.claims("u", "e@example.com", "n", now=time.time() - 31 * 24 * 3600)
    assert SessionCookie(SECRET).decode(session.encode_v4(old, SECRET)) is None


def test_long_tokens_are_chunked_and_joined_in_numeric_order() -> None:
    assert session.chunks("s", "x" * 3933) == {"s": "x" * 3933}
    token = "".join(str(number % 10) for number in range(3933 * 11))
    parts = session.chunks("s", token)
    assert list(parts) == [f"s.{index}" for index in range(11)]
    assert all(len(part) <= 3933 for part in parts.values())
    assert session.joined("s", dict(reversed(parts.items()))) == token
    assert session.joined("s", {"s.x": "1", "t": "2"}) is None


def test_claims_from_a_body() -> None:
    claims = read_claims({"email": " Ada@Example.com "})
    assert claims["sub"] == derived_sub("ada@example.com")
    assert claims["name"] == "Ada"
    assert read_claims({"sub": "s"})["email"] == "s@example.com"
    for wrong in ([], "x", None, {}, {"sub": 7}, {"sub": ""}):
        with pytest.raises(ValueError, match=r"sub|JSON"):
            read_claims(wrong)


def test_the_user_header_becomes_a_session_of_that_user() -> None:
    request = HttpRequest("GET", "/backend/x", [("X-User-Id", "test-user-123"), ("A", "b")])
    turned = with_user_header(request, SessionCookie(SECRET))
    assert turned.header("x-user-id") == ""
    name, _, token = turned.header("cookie").partition("=")
    claims = SessionCookie(SECRET).decode(token)
    assert name == "next-auth.session-token"
    assert claims is not None
    assert claims["sub"] == "test-user-123"


@pytest.mark.parametrize(
    "own", [("Cookie", "next-auth.session-token=mine"), ("Authorization", "Bearer mine")]
)
def test_the_user_header_never_replaces_an_identity(own: tuple[str, str]) -> None:
    turned = with_user_header(
        HttpRequest("GET", "/", [own, ("x-user-id", "other")]), SessionCookie(SECRET)
    )
    assert turned.headers == [own]


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/dashboard?a=1#b", "/dashboard?a=1#b"),
        ("http://localhost:8000/dashboard?x=y", "/dashboard?x=y"),
        ("http://127.0.0.1:8000", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("///evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("http://localhost:8000//evil.example/", "/"),
        ("http://localhost:8000@evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\tx", "/"),
        ("dashboard", "/"),
        ("", "/"),
        (None, "/"),
    ],
)
def test_callbacks_stay_on_the_site(target: str | None, path: str) -> None:
    assert safe_path(target, CONFIG) == path
