"""Lets a page's Content-Security-Policy allow one more script and one more frame (CSP level 3)."""

import re

_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_=-]+)'", re.IGNORECASE)
_SCRIPTS = ("script-src-elem", "script-src", "default-src")
_FRAMES = ("frame-src", "child-src", "default-src")


def nonce_of(policies: list[str]) -> str:
    """The nonce by which the policies allow scripts; empty if there is none."""
    for policy in _each(policies):
        name = _effective(policy, _SCRIPTS)
        if name and (found := _NONCE.search(" ".join(policy[name]))):
            return found[1]
    return ""


def widened(header: str, *, script: str, frame: str, digest: str) -> str:
    """A policy header that also allows the script and the frame at these addresses.

    A policy with nonces stays as it is for scripts: a nonce has to be written on the tag, and other
    sources might be ignored beside it. `digest` (`sha256-…`) stands where `strict-dynamic` ignores
    addresses.
    """
    policies = []
    for policy in _each([header]):
        name = _effective(policy, _SCRIPTS)
        if name and not _NONCE.search(" ".join(policy[name])):
            strict = "'strict-dynamic'" in (source.lower() for source in policy[name])
            sources = [script, f"'{digest}'"] if strict else [script]
            _add(policy, "script-src" if name == "default-src" else name, name, sources)
        if name := _effective(policy, _FRAMES):
            _add(policy, "frame-src", name, [frame])
        policies.append("; ".join(" ".join([name, *values]) for name, values in policy.items()))
    return ", ".join(policies)


def _each(headers: list[str]) -> list[dict[str, list[str]]]:
    """Every policy as sources by directive; of a directive that is given twice the first counts."""
    found = []
    for text in ",".join(headers).split(","):
        policy: dict[str, list[str]] = {}
        for directive in text.split(";"):
            name, *values = directive.split() or [""]
            if name:
                policy.setdefault(name.lower(), values)
        if policy:
            found.append(policy)
    return found


def _effective(policy: dict[str, list[str]], names: tuple[str, ...]) -> str:
    """The directive that decides; empty if everything is allowed."""
    return next((name for name in names if name in policy), "")


def _add(policy: dict[str, list[str]], name: str, decided: str, sources: list[str]) -> None:
    """Add sources to a directive, which begins as a copy of the one that decided so far."""
    values = policy.get(name, policy[decided])
    policy[name] = [*(value for value in values if value.lower() != "'none'"), *sources]
