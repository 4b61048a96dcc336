"""What must not be read over somebody's shoulder: keys and secrets, wherever they turn up."""

import json
import re
from collections.abc import Iterable
from typing import Any

MASK = "•••"
_NAMED = re.compile(r"(^|_)(secret|password|token)$|Secret$|Password$|Token$")
_SHAPED = re.compile(
    r"\b(?:sk|rk)_(?:test|live)_\w+|\bwhsec_\w+|(?<=_secret_)\w+"
    r"|\beyJ[\w-]{8,}\.[\w-]*\.[\w-]*(?:\.[\w-]*){0,2}"
)


class Redaction:
    """Masks the stack's own secrets, values of members named so, and what looks like a key."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= 8}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._known:
            text = self._known.sub(MASK, text)
        return _SHAPED.sub(MASK, text)

    def value(self, value: Any) -> Any:
        """A JSON value without secrets."""
        if isinstance(value, dict):
            return {
                name: MASK if part and _NAMED.search(name) else self.value(part)
                for name, part in value.items()
            }
        if isinstance(value, list):
            return [self.value(part) for part in value]
        return self.text(value) if isinstance(value, str) else value

    def pretty(self, value: Any) -> str:
        """Indented JSON without secrets."""
        return json.dumps(self.value(value), indent=2, ensure_ascii=False)
