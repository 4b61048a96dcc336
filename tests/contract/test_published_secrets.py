"""No value that this repository publishes opens anything in a deployed environment."""

import re
import subprocess
from pathlib import Path

import pytest

from localcloud.config import StackConfig
from saas.secret_entries import PUBLISHED, fault

ROOT = Path(__file__).resolve().parents[2]
# Secrets with a value of their own, in whatever language: `NAME=value`, `name: str = "value"`.
_NAMED = re.compile(
    r"(?:NEXTAUTH|AUTH|SESSION|WEBHOOK|SIGNING)_SECRETS?(?:: ?str)? ?[=:] ?[\"']?([^\s\"'`,;)}$]+)",
    re.IGNORECASE,
)
_STRIPE = re.compile(r"\b(?:sk|rk|whsec)_(?:test_|live_)?[A-Za-z0-9]{8,}\b")


def published() -> set[str]:
    """Values in all files but the tests, which invent their own and deploy none."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", ":!tests", ":!*.lock", ":!uv.lock"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    found: set[str] = set()
    for path in filter(None, listed.decode().split("\0")):
        if (ROOT / path).is_file():
            text = (ROOT / path).read_text("utf-8", errors="ignore")
            found |= {*_NAMED.findall(text), *_STRIPE.findall(text)}
    return found


def test_the_defaults_of_the_local_stack_open_nothing_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NEXTAUTH_SECRET", raising=False)
    made = StackConfig(1, 2, 3, 4, 5, Path("/nonexistent"))
    defaults = {
        made.nextauth_secret,
        made.stripe_secret_key,
        made.webhook_secret,
        made.secret_access_key,
    }
    assert defaults <= PUBLISHED


def test_whatever_is_published_opens_nothing_elsewhere() -> None:
    values = published()
    assert "groundwork-local-nextauth-secret" in values
    assert {value for value in values if fault(value, local=False) is None} == set()
