"""What the authoriser meets and does not model: said once each, kept for whoever asks."""

import sys

_KNOWN: dict[str, None] = {}


def report(what: str) -> None:
    """Print a gap when it is met for the first time. Whatever met it is refused."""
    if what not in _KNOWN:
        _KNOWN[what] = None
        print(f"iam: not modelled, so refused: {what}", file=sys.stderr, flush=True)


def reported() -> list[str]:
    """All gaps so far, in the order in which they were met."""
    return list(_KNOWN)


def forget() -> None:
    _KNOWN.clear()
