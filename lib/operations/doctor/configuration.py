"""Secrets of the environment: are they there, set, and of a kind that can work?"""

import json
from collections.abc import Iterator
from functools import partial

from operations import secrets
from operations.doctor.subject import Subject, looked
from operations.findings import Finding, ok, problem, warning

_SHORTEST_SESSION_SECRET = 32


def check(subject: Subject) -> Iterator[Finding]:
    """Each secret by name; values never appear."""
    for kind, name in secrets.names(subject.environment, subject.outputs).items():
        yield looked(f"secret {kind}", partial(judged, subject, kind, name))


def judged(subject: Subject, kind: str, name: str) -> Finding:
    """Whether a secret is set, and readable for the functions."""
    check_name = f"secret {kind}"
    if not subject.outputs:
        return warning(check_name, f"{name} comes with the first deployment")
    try:
        value = secrets.read(subject.account, name)
    except secrets.Missing:
        return problem(check_name, f"{name} does not exist", f"make deploy ENV={subject.env}")
    target = "stripe-setup" if kind == secrets.WEBHOOK else "secrets"
    if value is None:
        return problem(check_name, f"{name} is not set", f"make {target} ENV={subject.env}")
    if fault := shape_fault(kind, value):
        return problem(check_name, f"{name} {fault}", f"make {target} ENV={subject.env}")
    return ok(check_name, f"{name} is set")


def shape_fault(kind: str, value: str) -> str | None:
    """What makes a value useless; None when nothing does."""
    if value != value.strip():
        return "begins or ends with white space"
    if kind == secrets.STRIPE_KEY:
        right = value.startswith(("sk_", "rk_"))
        return None if right else "is no secret key of Stripe (sk_… or rk_…)"
    try:
        listed = json.loads(value) if value.startswith("[") else [value]
    except ValueError:
        listed = []
    if not listed or not all(isinstance(each, str) and each for each in listed):
        return "is neither a JSON list of texts nor a single value"
    right = all(_usable(kind, each) for each in listed)
    return None if right else f"holds an entry that is not {_WANTED[kind]}"


_WANTED = {
    secrets.SESSION: f"of at least {_SHORTEST_SESSION_SECRET} characters: it could be guessed",
    secrets.WEBHOOK: "a signing secret of Stripe (whsec_…)",
}


def _usable(kind: str, entry: str) -> bool:
    if kind == secrets.WEBHOOK:
        return entry.startswith("whsec_")
    return len(entry) >= _SHORTEST_SESSION_SECRET
