"""Links from one page of a long list to the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

PARAMETER = "before"


@dataclass(frozen=True)
class Pages:
    """Addresses of the first page and of the next, each empty where there is no need for it."""

    newest: str
    older: str

    @classmethod
    def of(cls, path: str, query: Mapping[str, str], before: str, older: str) -> "Pages":
        """For the page that begins at `before`, with the rest of its query."""
        first = f"{path}?{urlencode(query)}" if query else path
        following = f"{path}?{urlencode({**query, PARAMETER: older})}"
        return cls(first if before else "", following if older else "")
