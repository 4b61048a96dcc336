"""Secrets: kept in memory for minutes, and judged entry by entry before one opens anything."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from saas import secrets, settings
from saas.errors import NoSecret
from saas.secret_entries import PUBLISHED, fault
from tests.factories import metrics

REAL = "Wq3vN8rT5yK1mZ7xB4cD9fG2hJ6kL0pS"
WEAK = [
    None,
    "",
    " ",
    "\n\t\u3000",
    "unset",
    " UnSet\n",
    0,
    12345678901234567890,
    True,
    1.5,
    [REAL],
    {"secret": REAL},
    "secret",
    "changeme",
    "abcde",
    "fifteen letters",
    f"{'padded':^40}",
    "This is an example",
    "CHANGE-ME-change-me-change-me",
    "your-nextauth-secret-goes-here",
    "openssl rand -base64 32",
    "\ud800" * 20,
    "\u200b" * 20,
    "\ufe0f" * 20,
    "\u3164\u115f\u2800\ufeff\u00ad\u2060" * 4,
    "unset\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b",
    "\u2063".join("fifteen letters"),
    "''" * 10,
    '"unset"',
    "' \"unset\" '",
    "`unset`",
    "\u201cunset\u201d",
    '{"NEXTAUTH_SECRET":"unset"}',
    f' {{"NEXTAUTH_SECRET": "{REAL}"}}\n',
    f'{{"{REAL}',
    "NEXTAUTH_SECRET=unset",
    f"NEXTAUTH_SECRET={REAL}",
    f'export NEXTAUTH_SECRET = "{REAL}"',
    f"# a comment\nAUTH_SECRET={REAL}",
    f"secret: {REAL}",
    *sorted(PUBLISHED),
    *(f" {value.upper()}\n" for value in sorted(PUBLISHED)),
    *(f'"{value}"' for value in sorted(PUBLISHED)),
    *(f"' {value}\ufeff'" for value in sorted(PUBLISHED)),
]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TABLE_NAME", "table")
    _in("local", monkeypatch)
    secrets.forget()
    yield
    secrets.forget()
    settings.settings.cache_clear()


def _in(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", environment)
    settings.settings.cache_clear()


def _holds(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(secrets, "_fetch", lambda _: text)


def _values(name: str = "/a") -> list[str]:
    return [value.get_secret_value() for value in secrets.secret_list(name)]


def test_secrets_are_cached_for_minutes_and_outlive_an_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, stored, calls = [1000.0], ["one"], []

    def fetch(name: str) -> str:
        calls.append(name)
        if not stored:
            raise ConnectionError("store is down")
        return stored[0]

    monkeypatch.setattr(secrets, "_fetch", fetch)
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    assert secrets.secret("/a").get_secret_value() == "one"
    stored[0] = "two"
    assert secrets.secret("/a").get_secret_value() == "one"
    now[0] += secrets.CACHE_SECONDS
    assert secrets.secret("/a").get_secret_value() == "two"
    stored.clear()
    now[0] += secrets.CACHE_SECONDS
    assert secrets.secret("/a").get_secret_value() == "two"
    assert len(calls) == 3
    with pytest.raises(ConnectionError):
        secrets.secret("/never-seen")


def test_a_secret_that_nobody_set_is_missing_until_somebody_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = ["unset", "", "real"]
    monkeypatch.setattr(secrets, "_fetch", lambda _: stored.pop(0))
    for _ in range(2):
        with pytest.raises(NoSecret):
            secrets.secret("/app/dev/key")
    assert secrets.secret("/app/dev/key").get_secret_value() == "real"


@pytest.mark.parametrize(
    ("text", "values"), [('["new","old"]', ["new", "old"]), ("only", ["only"])]
)
def test_a_secret_may_hold_a_list(
    monkeypatch: pytest.MonkeyPatch, text: str, values: list[str]
) -> None:
    monkeypatch.setattr(secrets, "_fetch", lambda _: text)
    assert [value.get_secret_value() for value in secrets.secret_list("/a")] == values
    assert "only" not in repr(secrets.secret("/a"))


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
@pytest.mark.parametrize("weak", WEAK, ids=repr)
def test_an_entry_that_is_no_secret_is_skipped_wherever_it_stands(
    monkeypatch: pytest.MonkeyPatch, weak: Any, environment: str
) -> None:
    _in(environment, monkeypatch)
    for listed in ([REAL, weak], [weak, REAL], [weak, REAL, weak]):
        secrets.forget()
        _holds(monkeypatch, json.dumps(listed))
        assert _values() == [REAL]


@pytest.mark.parametrize("weak", WEAK, ids=repr)
def test_with_no_entry_left_nothing_opens(monkeypatch: pytest.MonkeyPatch, weak: Any) -> None:
    _in("prod", monkeypatch)
    texts = [json.dumps([weak]), json.dumps([weak, weak])]
    for text in [*texts, weak] if isinstance(weak, str) else texts:
        secrets.forget()
        _holds(monkeypatch, text)
        with pytest.raises(NoSecret) as raised:
            secrets.secret_list("/a")
        assert (raised.value.status, raised.value.code) == (503, "misconfigured")


@pytest.mark.parametrize("text", ["[]", "[", '["a', f'["{REAL}",]', f'["{REAL}"] x', "[NaN]"])
def test_a_malformed_list_opens_nothing(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    for environment in ("local", "prod"):
        _in(environment, monkeypatch)
        secrets.forget()
        _holds(monkeypatch, text)
        with pytest.raises(NoSecret):
            secrets.secret_list("/a")


def test_locally_defaults_and_short_secrets_are_what_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = [*sorted(PUBLISHED), "short"]
    _holds(monkeypatch, json.dumps([*wanted, None, "", "unset", 7]))
    assert _values() == wanted


def test_a_secret_of_sixteen_characters_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    _in("prod", monkeypatch)
    _holds(monkeypatch, json.dumps(["q7Rt2Lm9Xc4Vb6Nz"]))
    assert _values() == ["q7Rt2Lm9Xc4Vb6Nz"]


def test_a_skipped_entry_is_told_once_and_never_shown(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    _in("prod", monkeypatch)
    _holds(monkeypatch, json.dumps(["short-one", REAL, "unset", "other-one"]))
    for _ in range(3):
        _values()
    _values("/b")
    assert metrics(capsys.readouterr().out) == [("SecretSkipped", 1)] * 6
    told = [vars(record) for record in caplog.records]
    assert [(each["secret"], each["entry"]) for each in told] == [
        (name, place) for name in ("/a", "/b") for place in (1, 3, 4)
    ]
    assert not [each for each in told if "-one" in str(each) or REAL in str(each)]


def test_that_none_is_left_is_told_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _holds(monkeypatch, "[]")
    for _ in range(3):
        with pytest.raises(NoSecret):
            _values()
    assert metrics(capsys.readouterr().out) == [("SecretSkipped", 1)]


def test_a_key_that_somebody_else_judges_must_only_be_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _in("prod", monkeypatch)
    _holds(monkeypatch, "sk_test_groundworklocal")
    assert secrets.secret("/a").get_secret_value() == "sk_test_groundworklocal"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ('{"NEXTAUTH_SECRET":"unset"}', "is a JSON object: store the bare value"),
        (f"NEXTAUTH_SECRET={REAL}", "is a line NAME=value: store the bare value"),
    ],
)
@pytest.mark.parametrize("local", [True, False])
def test_a_value_that_still_has_its_wrapping_says_so(value: str, reason: str, local: bool) -> None:
    assert fault(value, local=local) == reason


@pytest.mark.parametrize(
    "good",
    [
        REAL,
        f'"{REAL}"',
        f"{REAL}=",
        "q7Rt2Lm9Xc4Vb6Nz==",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345=",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890A==",
        "Wq3v+N8rT5y/K1mZ7xB4cD9f==",
        "correct horse battery staple = fine",
        "q7Rt=2Lm9Xc4Vb6Nz3Kd8Fg1",
        "whsec_q7Rt2Lm9Xc4Vb6Nz",
    ],
)
def test_a_good_value_is_used_as_it_stands(monkeypatch: pytest.MonkeyPatch, good: str) -> None:
    _in("prod", monkeypatch)
    _holds(monkeypatch, good)
    assert _values() == [good]


def test_a_fault_never_quotes_the_value() -> None:
    faults = {fault(weak, local=False) for weak in WEAK}
    assert None not in faults
    assert not [why for why in faults if "abcde" in str(why) or "groundwork" in str(why)]
