"""The entries of a secret, and which of them are no secret although they stand where one belongs.

The functions skip those (`saas.secrets`), `make doctor` says how to replace them.
"""

import re

from saas import json_text

UNSET = "unset"
"""What Terraform creates a secret with, since its real value must never pass through its state."""
SHORTEST = 16
ADVISED = 32
PUBLISHED = frozenset(
    {
        "groundwork-local-nextauth-secret",
        "groundwork-local-secret-access-key",
        "sk_test_groundworklocal",
        "whsec_groundworklocal",
    }
)
"""This repository's own defaults: whoever reads it knows them. A contract test looks for more."""
# What examples of NextAuth and Auth.js ("This is an example") and copied `.env` files say, without
# case, blanks and punctuation. A random secret contains none of them.
_EXAMPLES = (
    "thisisanexample",
    "changeme",
    "changethis",
    "replaceme",
    "replacethis",
    "placeholder",
    "opensslrand",
    "yoursecret",
    "yournextauth",
    "yourauthsecret",
    "yourrandom",
    "yourgenerated",
    "yoursecure",
    "yoursupersecret",
    "supersecret",
    "randomsecret",
)

_QUOTES = " \"'`\u2018\u2019\u201c\u201d"
# Letters and marks that show nothing; the others Python itself counts as not printable.
_BLANKS = frozenset(
    (*"\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0", *map(chr, range(0xFE00, 0xFE10)))
)
# As Secrets Manager's console stores "key/value", and as `.env` files have it. Base64 may end in =.
_OBJECT = re.compile(r"\s*\{\s*[\"'}]")
_LINE = re.compile(
    r"^\W*(?:export\s+)?[\w.-]*(?:secret|key|token)\w*\W?\s*[=:]\s*[^=\s]", re.I | re.M
)


def entries(text: str) -> list[object]:
    """What a secret holds: a JSON list (nothing if it is malformed), or a single plain string."""
    if not text.lstrip().startswith("["):
        return [text]
    try:
        listed: list[object] = json_text.read(text)
    except ValueError:
        return []
    return listed


def usable(text: str, *, local: bool) -> list[str]:
    """The entries without a fault, in their order."""
    return [str(each) for each in entries(text) if fault(each, local=local) is None]


def fault(value: object, *, local: bool) -> str | None:
    """Why a value must not open or sign anything, without the value; None if it may.

    Args:
        value: an entry as the secret store has it, of any type.
        local: whether it is for local development, where a published default is what is wanted.
    """
    if not isinstance(value, str) or not _is_encodable(value):
        return "is no text"
    if _OBJECT.match(value):
        return "is a JSON object: store the bare value"
    if _LINE.search(value):
        return "is a line NAME=value: store the bare value"
    bare = _bare(value)
    if bare.lower() in ("", UNSET):
        return "was never set"
    return None if local else _weakness(bare)


def _bare(text: str) -> str:
    """What of a text somebody would have to guess: no quotes around it, nothing invisible in it."""
    return "".join(each for each in text if each.isprintable() and each not in _BLANKS).strip(
        _QUOTES
    )


def _weakness(text: str) -> str | None:
    letters = "".join(filter(str.isalnum, text.lower()))
    if text.lower() in PUBLISHED:
        return "is a default that this repository publishes"
    if any(example in letters for example in _EXAMPLES):
        return "is an example's value, which anybody may try"
    if len(text) < SHORTEST:
        return f"is shorter than {SHORTEST} characters: it could be guessed"
    return None


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
