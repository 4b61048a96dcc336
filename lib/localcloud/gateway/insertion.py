"""Puts markup at the start of an HTML document that passes by in pieces."""

import re

_PROLOGUE = re.compile(
    rb"""\A(?:\xef\xbb\xbf)?
    (?:\s+ | <!--.*?--> | <!doctype[^>]*> | <html(?:\s(?:"[^"]*"|'[^']*'|[^'">])*)?>)*
    (?P<head><head(?:\s(?:"[^"]*"|'[^']*'|[^'">])*)?>)?""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_OPENINGS = (b"<!--", b"<!doctype", b"<html", b"<head")
_BOM = b"\xef\xbb\xbf"
_LIMIT = 65_536


class HeadInsertion:
    """Inserts `markup` (ASCII) as the first thing in a document's head, and changes nothing else.

    Where no `<head>` is written, a parser opens one at the first tag that belongs into it. Holds
    back only what stands before that place, and at most 64 KiB.
    """

    def __init__(self, markup: bytes) -> None:
        self._markup = markup
        self._held = b""
        self._done = False

    def feed(self, chunk: bytes) -> bytes:
        """What may go on now that `chunk` has arrived."""
        if self._done:
            return chunk
        self._held += chunk
        match = _PROLOGUE.match(self._held)
        end = match.end() if match else 0
        decided = match is not None and match["head"] is not None
        if decided or len(self._held) > _LIMIT or not _may_go_on(self._held[end:]):
            return self._insert(end)
        return b""

    def finish(self) -> bytes:
        """What is left when the document has ended; nothing for an empty one."""
        if self._done or not self._held:
            return b""
        match = _PROLOGUE.match(self._held)
        return self._insert(match.end() if match else 0)

    def _insert(self, place: int) -> bytes:
        self._done = True
        held, self._held = self._held, b""
        return held[:place] + self._markup + held[place:]


def _may_go_on(rest: bytes) -> bool:
    """Whether what follows the prologue could still turn out to belong to it."""
    if _BOM.startswith(rest):
        return True
    start = rest[:9].lower()
    for opening in _OPENINGS:
        if opening.startswith(start):
            return True
        if start.startswith(opening):
            # `<header>` is not a head.
            following = rest[len(opening) : len(opening) + 1]
            return opening.startswith(b"<!") or not following or following in b" \t\r\n\f"
    return False
