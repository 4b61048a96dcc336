"""Secrets of the environment: are they there, set, and of a kind that can work?"""

from collections.abc import Iterator
from functools import partial

from operations import secrets
from operations.doctor.subject import Subject, looked
from operations.findings import Finding, ok, problem, warning
from saas.secret_entries import ADVISED, entries, fault


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
    if value is None:
        return problem(check_name, f"{name} is not set", _mend(kind, subject.env, first=True))
    if wrong := shape_fault(kind, value):
        return problem(check_name, f"{name} {wrong}", _mend(kind, subject.env))
    if kind == secrets.SESSION and min(map(len, map(str, entries(value)))) < ADVISED:
        short = f"{name} holds an entry of fewer than {ADVISED} characters: it may be guessed"
        return warning(check_name, short, f"{_mend(kind, subject.env)}; {_LATER}")
    return ok(check_name, f"{name} is set")


def shape_fault(kind: str, value: str) -> str | None:
    """What makes a value useless; None when nothing does."""
    if value != value.strip():
        return "begins or ends with white space"
    if kind == secrets.STRIPE_KEY:
        right = value.startswith(("sk_", "rk_"))
        return None if right else "is no secret key of Stripe (sk_… or rk_…)"
    listed = entries(value)
    if not listed:
        return "is neither a JSON list of texts nor a single value"
    for place, entry in enumerate(listed, start=1):
        wrong = fault(entry, local=False)
        if not wrong and kind == secrets.WEBHOOK and not str(entry).startswith("whsec_"):
            wrong = "is not a signing secret of Stripe (whsec_…)"
        if wrong:
            return f"has an entry, number {place}, that {wrong}"
    return None


_LATER = (
    "give the new one to the frontend (make outputs), and rotate once more when the sessions made "
    "with the old one have run out"
)


def _mend(kind: str, env: str, *, first: bool = False) -> str:
    """The command that puts a good value there."""
    if kind == secrets.WEBHOOK:
        return f"make stripe-setup ENV={env}"
    how = {secrets.SESSION: " ROTATE=1", secrets.STRIPE_KEY: " STRIPE=ask"}[kind]
    return f"make secrets ENV={env}{'' if first else how}"
