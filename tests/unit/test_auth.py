"""Who is calling: every rule of the frontend's contract on credentials, claims and origins."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OctKey
from pydantic import SecretStr

from saas import accounts, auth, bearer, entitlements, issuer_keys, secrets, settings
from saas.attributes import marshal
from saas.errors import AppError, Forbidden, NotAuthenticated, Unavailable
from tests.credentials import (
    SECRET,
    V4_COOKIE,
    V5_COOKIE,
    Issuer,
    claims,
    v4_cookie,
    v4_key,
    v4_token,
    v5_token,
)
from tests.factories import http_event

TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=400)
ANY = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
COGNITO = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_a1"


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, issuer: Issuer) -> Any:
    for name, value in {
        "APP_ENV": "local",
        "TABLE_NAME": "table",
        "ALLOWED_ORIGINS": "http://localhost:8000,http://localhost:3000",
        "SESSION_COOKIE_NAMES": f"{V4_COOKIE},{V5_COOKIE}",
        "SESSION_SECRET_NAME": "/sessions",
        "COGNITO_ISSUER": issuer.url,
        "COGNITO_CLIENT_ID": issuer.client_id,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    settings.settings.cache_clear()
    settings.aws_environment.cache_clear()
    secrets.forget()
    bearer.forget_keys()
    _session_secrets(SECRET)
    monkeypatch.setattr(issuer_keys, "_download", lambda _: json.dumps(issuer.jwks()).encode())
    yield
    settings.settings.cache_clear()
    settings.aws_environment.cache_clear()
    secrets.forget()


def _session_secrets(*values: Any) -> None:
    secrets._cache["/sessions"] = (time.monotonic(), SecretStr(json.dumps(values)))


def _checked(event: dict[str, Any], body: Any = None) -> auth.Identity:
    """The caller after the checks of site and claims."""
    identity = auth.identify(event)
    auth.refuse_foreign_site(event, identity)
    auth.refuse_foreign_claims(event, body, identity)
    return identity


def _code(event: dict[str, Any], body: Any = None) -> tuple[int, str]:
    with pytest.raises(AppError) as raised:
        _checked(event, body)
    return raised.value.status, raised.value.code


def _bearer(token: str, **more: Any) -> dict[str, Any]:
    return http_event("GET", "/x", headers={"authorization": f"Bearer {token}"}, **more)


def _cookies(*cookies: str, method: str = "GET", **more: Any) -> dict[str, Any]:
    return http_event(method, "/x", cookies=list(cookies), **more)


# Cookies


def test_a_v4_session_identifies_its_subject() -> None:
    identity = auth.identify(_cookies(v4_cookie("user-7")))
    assert (identity.user_id, identity.email, identity.name) == ("user-7", "ada@example.com", "Ada")
    assert identity.source == "cookie"
    assert identity.groups == ()


def test_a_v5_session_identifies_its_subject() -> None:
    token = v5_token(claims("user-8"))
    assert auth.identify(_cookies(f"{V5_COOKIE}={token}")).user_id == "user-8"


def test_groups_in_a_cookie_are_not_believed() -> None:
    token = v4_token(claims("user-1", **{"cognito:groups": ["admin"]}))
    assert auth.identify(_cookies(f"{V4_COOKIE}={token}")).groups == ()


def test_a_cookie_in_the_header_is_read_too() -> None:
    event = http_event("GET", "/x", headers={"Cookie": f"theme=dark; {v4_cookie('user-9')}"})
    assert auth.identify(event).user_id == "user-9"


@pytest.mark.parametrize(("name", "make"), [(V4_COOKIE, v4_token), (V5_COOKIE, v5_token)])
def test_chunks_are_joined_in_numeric_order(name: str, make: Any) -> None:
    token = make(claims("user-1", picture="p" * 9000))
    chunks = [f"{name}.{at // 3933}={token[at : at + 3933]}" for at in range(0, len(token), 3933)]
    assert len(chunks) > 2
    assert auth.identify(_cookies(*chunks)).user_id == "user-1"
    assert auth.identify(_cookies(*reversed(chunks))).user_id == "user-1"


def test_more_than_ten_chunks_are_joined_as_numbers() -> None:
    token = v4_token(claims("user-1"))
    size = len(token) // 11
    chunks = [
        f"{V4_COOKIE}.{index}={token[index * size : (index + 1) * size if index < 11 else None]}"
        for index in range(12)
    ]
    assert auth.identify(_cookies(*sorted(chunks))).user_id == "user-1"


def test_a_missing_chunk_is_refused() -> None:
    token = v4_token(claims())
    assert _code(_cookies(f"{V4_COOKIE}.1={token}")) == (401, "invalid_credential")


@pytest.mark.parametrize("extra", [V4_COOKIE, f"{V4_COOKIE}.0"])
def test_the_same_cookie_twice_is_refused(extra: str) -> None:
    event = _cookies(v4_cookie(), f"{extra}={v4_token(claims('other'))}")
    assert _code(event) == (401, "duplicate_session_cookie")


def test_the_same_chunk_twice_is_refused() -> None:
    token = v4_token(claims())
    event = _cookies(f"{V4_COOKIE}.0={token}", f"{V4_COOKIE}.0={token}")
    assert _code(event) == (401, "duplicate_session_cookie")


@pytest.mark.parametrize(
    "stale",
    [
        f"{V4_COOKIE}=left.over..from.yesterday",
        f"{V4_COOKIE}={v4_token(claims(expires_in=-60))}",
        f"{V4_COOKIE}={v4_token(claims(), secret='another stack')}",
        f"{V4_COOKIE}.3=part",
    ],
    ids=["garbage", "expired", "of another stack", "part"],
)
def test_locally_a_leftover_of_the_other_generation_shadows_nothing(stale: str) -> None:
    good = f"{V5_COOKIE}={v5_token(claims('user-5'))}"
    assert auth.identify(_cookies(stale, good)).user_id == "user-5"
    assert auth.identify(_cookies(good, stale)).user_id == "user-5"
    other = f"{V5_COOKIE}=left.over..from.yesterday"
    assert auth.identify(_cookies(v4_cookie("user-4"), other)).user_id == "user-4"
    assert _code(_cookies(stale, other)) == (401, "invalid_credential")


@pytest.mark.parametrize("prefix", ["__Secure-", "__Host-"])
def test_a_planted_cookie_is_ended_wherever_it_may_be(
    monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    name = f"{prefix}{V4_COOKIE}"
    _deployed(monkeypatch, name)
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://app.example.com")
    settings.settings.cache_clear()
    good = f"{name}={v4_token(claims('user-1'))}"
    for planted in (f"{name}=x", f"{name}.0=x"):
        with pytest.raises(NotAuthenticated, match=f"{name} came twice: clear this site's") as met:
            auth.identify(_cookies(good, planted))
        ended = {line.partition("=")[0] for line in met.value.cookies}
        assert ended == {name, planted.partition("=")[0]}
        assert all("; Max-Age=0;" in line and "; Secure" in line for line in met.value.cookies)
        domains = {line.partition("; Domain=")[2] for line in met.value.cookies}
        assert domains == {"", "app.example.com", "example.com"}
    with pytest.raises(NotAuthenticated, match="came in part: clear this site's") as met:
        auth.identify(_cookies(f"{name}.0=a", f"{name}.7=b", "theme=dark"))
    assert {line.partition("=")[0] for line in met.value.cookies} == {f"{name}.0", f"{name}.7"}
    many = [f"{name}.{index}=x" for index in range(0, 99, 2)]
    with pytest.raises(NotAuthenticated) as met:
        auth.identify(_cookies(*many))
    assert (met.value.cookies, met.value.headers) == ([], {"Clear-Site-Data": '"cookies"'})


def _chunks(name: str, token: str, count: int) -> list[str]:
    size = -(-len(token) // count)
    return [f"{name}.{at}={token[at * size : (at + 1) * size]}" for at in range(count)]


@pytest.mark.parametrize(("name", "make"), [(V4_COOKIE, v4_token), (V5_COOKIE, v5_token)])
@pytest.mark.parametrize("planted", ["2=x", "2=" + "x" * 4000, "2=a.b.c.d.e", "2=é"])
def test_a_planted_chunk_that_spoils_the_session_is_ended(
    name: str, make: Any, planted: str
) -> None:
    good = _chunks(name, make(claims("user-1")), 2)
    with pytest.raises(NotAuthenticated, match="no secret opens: clear this site's") as met:
        auth.identify(_cookies(*good, f"{name}.{planted}"))
    assert met.value.code == "invalid_credential"
    ended = {line.partition("=")[0] for line in met.value.cookies}
    assert ended == {f"{name}.{index}" for index in range(3)}
    assert auth.identify(_cookies(*good)).user_id == "user-1"


def test_too_many_chunks_that_nothing_opens_are_cleared_with_the_site() -> None:
    planted = [f"{V4_COOKIE}.{index}=x" for index in range(100)]
    with pytest.raises(NotAuthenticated) as met:
        auth.identify(_cookies(*planted))
    assert (met.value.cookies, met.value.headers) == ([], {"Clear-Site-Data": '"cookies"'})


@pytest.mark.parametrize("planted", [".2=", ".00=x", ".01=x", ".100=x", ".-1=x", ".=x", ".a=x"])
def test_what_is_no_chunk_or_an_empty_one_spoils_nothing(planted: str) -> None:
    good = _chunks(V4_COOKIE, v4_token(claims("user-1")), 2)
    assert auth.identify(_cookies(*good, f"{V4_COOKIE}{planted}")).user_id == "user-1"


@pytest.mark.parametrize("planted", ["=", "=x", ".0=", ".1=x", ".3=x", ".99=", ".99=x"])
def test_whatever_is_planted_beside_chunks_is_ended_with_them(planted: str) -> None:
    good = _chunks(V4_COOKIE, v4_token(claims("user-1")), 2)
    with pytest.raises(NotAuthenticated, match="clear this site's cookies") as met:
        auth.identify(_cookies(*good, f"{V4_COOKIE}{planted}"))
    names = {cookie.partition("=")[0] for cookie in (*good, f"{V4_COOKIE}{planted}")}
    assert {line.partition("=")[0] for line in met.value.cookies} == names


def test_a_chunked_session_that_ran_out_is_no_reason_to_clear_anything() -> None:
    with pytest.raises(NotAuthenticated, match="please sign in again") as met:
        auth.identify(_cookies(*_chunks(V4_COOKIE, v4_token(claims(expires_in=-60)), 2)))
    assert (met.value.cookies, met.value.headers) == ([], {})


def test_locally_chunks_of_one_name_matter_to_no_session_of_the_other() -> None:
    for planted in (["0=x", "1=y"], ["3=x"], ["0=x", "0=y"], ["0="]):
        spoilt = [f"{V4_COOKIE}.{each}" for each in planted]
        good = _chunks(V5_COOKIE, v5_token(claims("user-5")), 2)
        assert auth.identify(_cookies(*spoilt, *good)).user_id == "user-5"


def test_locally_what_was_planted_is_ended_whichever_name_it_has() -> None:
    stale = f"{V4_COOKIE}={v4_token(claims(expires_in=-60))}"
    spoilt = [*_chunks(V5_COOKIE, v5_token(claims()), 2), f"{V5_COOKIE}.2=x"]
    with pytest.raises(NotAuthenticated, match="clear this site's") as met:
        auth.identify(_cookies(stale, *spoilt))
    assert len({line.partition("=")[0] for line in met.value.cookies}) == 3


@pytest.mark.parametrize("position", ["header", "iv", "ciphertext", "tag"])
@pytest.mark.parametrize(("name", "make"), [(V4_COOKIE, v4_token), (V5_COOKIE, v5_token)])
def test_a_tampered_cookie_is_refused(name: str, make: Any, position: str) -> None:
    segments = make(claims()).split(".")
    index = {"header": 0, "iv": 2, "ciphertext": 3, "tag": 4}[position]
    middle = len(segments[index]) // 2
    swapped = "A" if segments[index][middle] != "A" else "B"
    segments[index] = segments[index][:middle] + swapped + segments[index][middle + 1 :]
    assert _code(_cookies(f"{name}={'.'.join(segments)}")) == (401, "invalid_credential")


@pytest.mark.parametrize(
    "garbage", ["", ".", "a.b.c", "....", "é.é.é.é.é", "e30..e30.e30.e30", "x" * 70_000]
)
def test_garbage_is_refused(garbage: str) -> None:
    status, _ = _code(_cookies(f"{V4_COOKIE}={garbage}"))
    assert status == 401


def test_a_cookie_of_another_secret_is_refused() -> None:
    token = v4_token(claims(), secret="somebody else's")
    assert _code(_cookies(f"{V4_COOKIE}={token}")) == (401, "invalid_credential")


def test_a_state_cookie_is_no_session() -> None:
    token = v4_token(claims(None, state="xyz"))
    assert _code(_cookies(f"{V4_COOKIE}={token}")) == (401, "invalid_credential")


def test_a_v5_state_cookie_of_another_name_is_no_session() -> None:
    token = v5_token(claims("user-1"), cookie="authjs.state")
    assert _code(_cookies(f"{V5_COOKIE}={token}")) == (401, "invalid_credential")


def test_an_expired_session_is_refused_and_the_tolerance_is_fifteen_seconds() -> None:
    late = v4_token(claims(expires_in=-20))
    assert _code(_cookies(f"{V4_COOKIE}={late}")) == (401, "invalid_credential")
    just = v4_token(claims("user-1", expires_in=-5))
    assert auth.identify(_cookies(f"{V4_COOKIE}={just}")).user_id == "user-1"


@pytest.mark.parametrize("bad", [{"exp": None}, {"exp": "tomorrow"}, {"sub": ""}, {"sub": 7}])
def test_sessions_without_usable_claims_are_refused(bad: dict[str, Any]) -> None:
    token = v4_token({**claims(), **bad})
    assert _code(_cookies(f"{V4_COOKIE}={token}")) == (401, "invalid_credential")


def _raw_cookie(text: str) -> dict[str, Any]:
    """A session whose claims are this text, sealed as NextAuth v4 seals them."""
    key = v4_key(SECRET)
    header = {"alg": "dir", "enc": "A256GCM"}
    return _cookies(f"{V4_COOKIE}={jwe.encrypt_compact(header, text, OctKey.import_key(key))}")


TIMES = ["NaN", "Infinity", "-Infinity", "1e400", "true", "null", '"2099"', "[9e9]", "9" * 400]


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", TIMES)
def test_a_time_that_is_no_finite_number_is_refused(name: str, value: str) -> None:
    others = {"sub": "user-1", "exp": time.time() + 60}
    others.pop(name, None)
    text = f'{json.dumps(others)[:-1]},"{name}":{value}}}'
    assert _code(_raw_cookie(text)) == (401, "invalid_credential")


@pytest.mark.parametrize("later", [30, 3600, 1e300, 10**200])
def test_a_session_that_has_not_begun_is_refused(later: float, issuer: Issuer) -> None:
    token = v4_token(claims("user-1", nbf=int(time.time()) + later))
    assert _code(_cookies(f"{V4_COOKIE}={token}")) == (401, "invalid_credential")
    assert _code(_bearer(issuer.token(nbf=int(time.time()) + later)))[0] == 401
    begun = v4_token(claims("user-1", nbf=time.time() + 10, iat=time.time() - 0.5))
    assert auth.identify(_cookies(f"{V4_COOKIE}={begun}")).user_id == "user-1"


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "7", '"x"', "[" * 3000, '{"a":' * 3000, '{"sub":"user-1"', "\ufeff{}"],
)
def test_claims_that_are_no_object_are_refused(text: str) -> None:
    assert _code(_raw_cookie(text)) == (401, "invalid_credential")


@pytest.mark.parametrize("header", ["NaN", "[" * 3000, '{"alg":' * 3000, "null", "[]", '"dir"'])
def test_a_cookie_whose_header_is_no_object_is_refused(header: str) -> None:
    segment = base64.urlsafe_b64encode(header.encode()).decode().rstrip("=")
    assert _code(_cookies(f"{V4_COOKIE}={segment}..AAAA.AAAA.AAAA")) == (401, "invalid_credential")


@pytest.mark.parametrize("index", ["０", "٠", "²", "00", "+0", " 0", "0_0", "0\n"])
def test_a_chunk_is_numbered_by_plain_digits(index: str) -> None:
    event = _cookies(f"{V4_COOKIE}.{index}={v4_token(claims())}")
    assert _code(event) == (401, "authentication_required")


def test_rotated_secrets_sign_nobody_out() -> None:
    old = f"{V4_COOKIE}={v4_token(claims('before'), secret='old')}"
    new = f"{V4_COOKIE}={v4_token(claims('after'), secret='new')}"
    _session_secrets("new", "old")
    assert [auth.identify(_cookies(cookie)).user_id for cookie in (old, new)] == ["before", "after"]
    _session_secrets("new")
    assert _code(_cookies(old)) == (401, "invalid_credential")


FORGERS = ["", " ", "unset", "None", "null", "[]", "abcde", "changeme", "1", "True"]
FORGERS += ["groundwork-local-nextauth-secret", "This is an example"]


def _deployed(monkeypatch: pytest.MonkeyPatch, cookie: str) -> None:
    monkeypatch.setenv("APP_ENV", "prod")
    monkeypatch.setenv("SESSION_COOKIE_NAMES", cookie)
    settings.settings.cache_clear()


@pytest.mark.parametrize("known", FORGERS)
@pytest.mark.parametrize("listed", [None, 1, True, [], "", "same"])
@pytest.mark.parametrize(("cookie", "make"), [(V4_COOKIE, v4_token), (V5_COOKIE, v5_token)])
def test_nobody_signs_in_with_what_is_no_secret(
    monkeypatch: pytest.MonkeyPatch, known: str, listed: Any, cookie: str, make: Any
) -> None:
    name = f"__Secure-{cookie}"
    _deployed(monkeypatch, name)
    more = {"cookie": name} if make is v5_token else {}
    forged = _cookies(f"{name}={make(claims('victim'), secret=known, **more)}")
    entry = known if listed == "same" else listed
    _session_secrets(SECRET, entry)
    assert _code(forged) == (401, "invalid_credential")
    good = _cookies(f"{name}={make(claims('user-1'), **more)}")
    assert auth.identify(good).user_id == "user-1"
    monkeypatch.setattr(secrets, "_fetch", lambda _: json.dumps([entry]))
    _session_secrets(entry)
    assert _code(forged) == (503, "misconfigured")
    assert _code(good) == (503, "misconfigured")


def test_only_the_configured_cookie_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    _deployed(monkeypatch, f"__Secure-{V4_COOKIE}")
    assert _code(_cookies(v4_cookie())) == (401, "authentication_required")
    secure = f"__Secure-{V4_COOKIE}={v4_token(claims('user-1'))}"
    assert auth.identify(_cookies(secure)).user_id == "user-1"


def test_nobody_is_asked_to_sign_in() -> None:
    assert _code(http_event("GET", "/x")) == (401, "authentication_required")
    assert _code(_cookies("theme=dark")) == (401, "authentication_required")


# Bearer tokens


@pytest.mark.parametrize("use", ["access", "id"])
def test_cognito_tokens_identify_their_subject(issuer: Issuer, use: str) -> None:
    token = issuer.token(use, **{"cognito:groups": ["admin"], "email": "a@example.com"})
    identity = auth.identify(_bearer(token))
    assert (identity.user_id, identity.source, identity.groups) == ("user-1", "bearer", ("admin",))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.test/pool"},
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"token_use": "refresh"},
        {"token_use": None},
        {"client_id": "another-client"},
        {"client_id": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": True},
        {"exp": "9999999999"},
        {"nbf": True},
        {"nbf": "0"},
        {"nbf": float("-inf")},
        {"iat": float("nan")},
        {"iat": "0"},
        {"iat": int(time.time()) + 3600},
        {"token_use": ["access"]},
        {"token_use": {}},
    ],
)
def test_wrong_claims_are_refused(issuer: Issuer, changes: dict[str, Any]) -> None:
    assert _code(_bearer(issuer.token(**changes))) == (401, "invalid_credential")


def test_an_id_token_of_another_client_is_refused(issuer: Issuer) -> None:
    token = issuer.token("id", aud="another-client", client_id=issuer.client_id)
    assert _code(_bearer(token)) == (401, "invalid_credential")


def test_a_forged_signature_is_refused(issuer: Issuer) -> None:
    assert _code(_bearer(Issuer().token())) == (401, "invalid_credential")


def test_alg_none_and_hmac_with_the_public_key_are_refused(issuer: Issuer) -> None:
    content = jwt.decode(issuer.token(), options={"verify_signature": False})
    unsigned = jwt.encode(content, "", algorithm="none", headers={"kid": "key-1"})
    assert _code(_bearer(unsigned)) == (401, "invalid_credential")
    confused = jwt.encode(content, "k" * 32, algorithm="HS256", headers={"kid": "key-1"})
    assert _code(_bearer(confused)) == (401, "invalid_credential")


BAD_BEARERS = [
    "Bearer",
    "Bearer ",
    "bearer\t",
    "\tBEARER",
    "Bearer a.b.c",
    "bEaReR x y",
    "Bearer:x",
]
BAD_BEARERS += ["Basic dXNlcjpwYXNz, Bearer", "Bearer a.b.c,Basic dXNlcjpwYXNz", "Bearer,", "a.b.c"]
BAD_BEARERS += ["Basic dXNlcjpwYXNz,bearer a.b.c", "Bearer a.b.c, Bearer a.b.c", "Bearer\x00x"]
BAD_BEARERS += [
    "Digest a=b,\tBearer x",
    "Bearer a.b.c\u3000",
    "Bearer \ud800",
    "Bearer é",
    "Bearer ..",
    "a.b.",
]


@pytest.mark.parametrize("header", BAD_BEARERS, ids=ascii)
def test_a_bad_bearer_never_falls_through_to_a_good_cookie(header: str) -> None:
    event = http_event("GET", "/x", cookies=[v4_cookie()])
    event["headers"]["authorization"] = header
    assert _code(event) == (401, "invalid_credential")


SCHEMES = ["", " ", "Basic dXNlcjpwYXNz", "basic dXNlcjpwYXNz", "BASIC x", "Negotiate abc=="]
SCHEMES += ['Digest username="bearer", realm="x"', "token", "Bearers x", "Bearer-x y", "x-bearer y"]
SCHEMES += ["AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=c", "Basic Bearer"]


@pytest.mark.parametrize("header", SCHEMES)
def test_another_scheme_hides_no_cookie_and_is_no_credential(header: str) -> None:
    event = _cookies(v4_cookie("user-1"))
    event["headers"]["authorization"] = header
    assert auth.identify(event).user_id == "user-1"
    event = _cookies("theme=dark")
    event["headers"]["authorization"] = header
    assert _code(event) == (401, "authentication_required")


@pytest.mark.parametrize("header", ["bearer {}", "BEARER   {}", " Bearer {} "])
def test_a_good_bearer_in_any_case_wins_over_a_cookie(issuer: Issuer, header: str) -> None:
    event = _cookies(v4_cookie("cookie-1"))
    event["headers"]["authorization"] = header.format(issuer.token())
    assert auth.identify(event).user_id == "user-1"


def test_an_unknown_key_is_looked_up_once_not_on_every_request(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = []

    def fetch(_: str) -> bytes:
        fetched.append(1)
        return json.dumps(issuer.jwks()).encode()

    monkeypatch.setattr(issuer_keys, "_download", fetch)
    stranger = jwt.encode({"sub": "x"}, issuer.key, algorithm="RS256", headers={"kid": "unknown"})
    for _ in range(20):
        assert _code(_bearer(stranger)) == (401, "invalid_credential")
    assert len(fetched) == 1


@pytest.mark.parametrize(
    ("variable", "endpoint", "expected"),
    [
        ("UNRELATED", "x", COGNITO),
        ("AWS_ENDPOINT_URL_DYNAMODB", "x", COGNITO),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566", "http://127.0.0.1:4566/us-east-1_a1"),
        (
            "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER",
            "https://endpoint.example",
            "https://endpoint.example/us-east-1_a1",
        ),
    ],
)
def test_keys_are_fetched_where_clients_of_aws_are_sent(
    monkeypatch: pytest.MonkeyPatch, variable: str, endpoint: str, expected: str
) -> None:
    monkeypatch.setenv(variable, endpoint)
    settings.aws_environment.cache_clear()
    assert bearer.keys_url(COGNITO) == f"{expected}/.well-known/jwks.json"


def test_an_unreachable_issuer_is_an_outage_not_a_refusal(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> bytes:
        raise OSError("connection refused")

    monkeypatch.setattr(issuer_keys, "_download", fail)
    with pytest.raises(Unavailable) as raised:
        auth.identify(_bearer(issuer.token()))
    assert raised.value.headers == {"Retry-After": "5"}


# What the credential says


@pytest.mark.parametrize(
    "subject",
    ["\ud83d", "\udc00b", "\0", "user\n", "a\x1b", "a\x7f", "a\x85", "x" * 257, "\U0001f600" * 256],
    ids=ascii,
)
def test_a_subject_that_no_key_can_hold_whole_is_refused(issuer: Issuer, subject: str) -> None:
    cookie = _cookies(f"{V4_COOKIE}={v4_token(claims(subject))}")
    for event in (cookie, _bearer(issuer.token(sub=subject))):
        with pytest.raises(NotAuthenticated, match="The credential's subject") as raised:
            auth.identify(event)
        assert raised.value.code == "invalid_credential"


@pytest.mark.parametrize("subject", ["x" * 256, "\uffff" * 256, "\U0001f600" * 252, "a b", "#"])
def test_the_longest_subject_fits_its_longest_key(subject: str) -> None:
    identity = auth.identify(_cookies(f"{V4_COOKIE}={v4_token(claims(subject))}"))
    assert identity.user_id == subject
    sort_keys = [entitlements.key(subject).sk, accounts.key(subject).sk]
    assert max(len(each.encode()) for each in sort_keys) <= 1024


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Ada \ud83d", "Ada"),
        ("A\udc00da", "Ada"),
        ("Ada\0\tL.\n", "Ada  L."),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb"),
        ("\U0001f600" * 300, "\U0001f600" * 256),
        ("", ""),
        (7, ""),
        (["Ada"], ""),
    ],
    ids=ascii,
)
def test_a_name_is_cleaned(issuer: Issuer, name: Any, kept: str) -> None:
    cookie = _cookies(f"{V4_COOKIE}={v4_token(claims('user-1', name=name))}")
    for event in (cookie, _bearer(issuer.token("id", name=name))):
        assert auth.identify(event).name == kept


NO_ADDRESS = [
    *("a\ud83d@b.c", "a\0@b.c", "a@b.c\n", "é" * 161 + "@b.c", 7, None, [], "", "   ", "ada"),
    *("@", "a@", "@b.c", "a @b.c", " a@b.c", "a@b.c ", "a@b\u00a0.c", "a\u2003@b.c", "a@@"),
]


@pytest.mark.parametrize("email", NO_ADDRESS)
def test_what_is_no_address_is_none(email: Any) -> None:
    token = v4_token(claims("user-1", email=email))
    assert auth.identify(_cookies(f"{V4_COOKIE}={token}")).email == ""


@pytest.mark.parametrize(
    "email",
    ["a@b", "jörg@münchen.example", "o'neil+x@b.co.uk", "a@b@c", '"at@home"@b.c', "用户@例子.广告"],
)
def test_whatever_may_be_an_address_is_one(email: str) -> None:
    token = v4_token(claims("user-1", email=email))
    assert auth.identify(_cookies(f"{V4_COOKIE}={token}")).email == email


def test_groups_are_the_names_in_a_list(issuer: Issuer) -> None:
    for listed, kept in (
        (["admin", 7, None, "\ud800", ["x"]], ("admin",)),
        ("admin", ()),
        ({"admin": 1}, ()),
    ):
        token = issuer.token(**{"cognito:groups": listed})
        assert auth.identify(_bearer(token)).groups == kept


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.recursive(ANY, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)), TEXT)
def test_whatever_the_claims_hold_can_be_stored_or_is_refused(value: Any, text: str) -> None:
    for name in ("sub", "email", "name", "exp", "nbf", "iat", "cognito:groups"):
        said = {**claims("user-1", email=text, name=text), name: value}
        try:
            identity = auth.identify(_cookies(f"{V4_COOKIE}={v4_token(said)}"))
        except NotAuthenticated:
            continue
        item = accounts.new_user(identity.user_id, email=identity.email, name=identity.name)
        json.dumps(marshal(item), ensure_ascii=False).encode()
        assert len(item.get("gsi1pk", "").encode()) <= 2048
        assert len(entitlements.key(identity.user_id).sk.encode()) <= 1024


# Claims of a user id


@pytest.mark.parametrize(
    "query", ["", "userId=", "userId=undefined", "userId=user-1", "a=b&userId=user-1"]
)
def test_an_absent_empty_or_own_user_id_is_fine(query: str) -> None:
    assert _checked(_cookies(v4_cookie("user-1"), query=query)).user_id == "user-1"


@pytest.mark.parametrize("subject", ["auth0|a+b", "a b", "50%25", "ü", "google/7"])
def test_an_own_user_id_arrives_unencoded_or_encoded(subject: str) -> None:
    from urllib.parse import quote, quote_plus

    for sent in (subject, quote(subject, safe=""), quote_plus(subject)):
        event = _cookies(v4_cookie(subject), query=f"userId={sent}")
        assert _checked(event).user_id == subject


@pytest.mark.parametrize(
    "query", ["userId=user-2", "userId=user-1&userId=user-2", "user%49d=user-2", "userId=null"]
)
def test_a_foreign_user_id_is_forbidden(query: str) -> None:
    assert _code(_cookies(v4_cookie("user-1"), query=query)) == (403, "user_mismatch")


@pytest.mark.parametrize("claimed", ["user-2", 7, {"id": "user-1"}, ["user-1"], True])
def test_a_foreign_user_id_in_the_body_is_forbidden(claimed: object) -> None:
    event = _cookies(v4_cookie("user-1"), method="POST")
    for body in ({"userId": claimed}, {"userData": {"id": claimed}}):
        assert _code(event, body) == (403, "user_mismatch")


@pytest.mark.parametrize("body", [{}, {"userId": None}, {"userId": "user-1"}, {"userData": []}])
def test_a_body_that_names_the_caller_or_nobody_is_fine(body: Any) -> None:
    assert _checked(_cookies(v4_cookie("user-1"), method="POST"), body).user_id == "user-1"


def test_a_huge_claim_costs_nothing() -> None:
    event, began = _cookies(v4_cookie("user-1"), method="POST"), time.process_time()
    assert _code(event, {"userId": "%41" * 300_000}) == (403, "user_mismatch")
    assert time.process_time() - began < 0.1


# Origin


@pytest.mark.parametrize(
    "origin", ["", "null", "http://evil.test", "http://localhost:8000.evil.test"]
)
def test_a_cross_site_post_with_a_cookie_is_forbidden(origin: str) -> None:
    event = _cookies(v4_cookie(), method="POST", headers={"origin": origin})
    with pytest.raises(Forbidden) as raised:
        _checked(event)
    assert raised.value.code == "origin_not_allowed"


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_state_changing_calls_of_an_allowed_site_pass(method: str) -> None:
    event = _cookies(
        v4_cookie("user-1"), method=method, headers={"origin": "http://localhost:3000"}
    )
    assert _checked(event).user_id == "user-1"


def test_a_bearer_needs_no_origin(issuer: Issuer) -> None:
    headers = {"authorization": f"Bearer {issuer.token()}", "origin": ""}
    assert _checked(http_event("POST", "/x", headers=headers)).user_id == "user-1"


def test_a_get_needs_no_origin() -> None:
    assert _checked(_cookies(v4_cookie("user-1"))).user_id == "user-1"


def test_x_user_id_means_nothing() -> None:
    with pytest.raises(NotAuthenticated):
        _checked(http_event("GET", "/x", headers={"x-user-id": "test-user-123"}))
