"""Changes the Content-Security-Policies that a document states in its head, as it passes by.

After "http-equiv" and "Parsing HTML documents" of the HTML standard: such a policy counts only in a
`<meta>` of the head. What looks like one in a script, a style, a template or a comment is none.
"""

import html
import re
from collections.abc import Callable

BEFORE = b"data-localstripe-before"
"""The attribute in which a changed policy keeps its old text; static/stripe.js reads it."""
_TAG = re.compile(
    rb"""<(?P<end>/?)(?P<name>[a-z][^\s/>]*)(?P<attributes>(?:[^"'>]|"[^"]*"|'[^']*')*)>""",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    rb"""(?P<name>[^\s"'<>/=]+)(?:\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^\s"'<>=]+))?"""
)
_CLOSED = re.compile(rb"<[!?][^>]*>")
_COMMENT_END = re.compile(rb"--!?>")
_IN_HEAD = frozenset(
    {b"html", b"head", b"base", b"link", b"meta", b"title", b"style", b"script"}
    | {b"noscript", b"noframes", b"template"}
)
_OF_TEXT = frozenset({b"title", b"style", b"script", b"noscript", b"noframes", b"template"})
_LIMIT = 65_536


class HeadPolicies:
    """Puts `change(policy)` in the place of each policy in the head, and changes nothing else.

    Holds back only a tag that has not arrived whole, and at most 64 KiB.
    """

    def __init__(self, change: Callable[[str], str]) -> None:
        self._change = change
        self._held = b""
        self._until: re.Pattern[bytes] | None = None
        self._done = False

    def feed(self, chunk: bytes) -> bytes:
        """What may go on now that `chunk` has arrived."""
        if self._done:
            return chunk
        document, place, passed = self._held + chunk, 0, list[bytes]()
        while not self._done and (found := self._piece(document, place)):
            end, piece = found
            passed.append(piece)
            place = end
        self._held = document[place:]
        self._done = self._done or len(self._held) > _LIMIT
        if self._done:
            passed.append(self.finish())
        return b"".join(passed)

    def finish(self) -> bytes:
        """What is left when the document has ended."""
        held, self._held, self._done = self._held, b"", True
        return held

    def _piece(self, document: bytes, place: int) -> tuple[int, bytes] | None:
        """Where the piece at a place ends, and what goes on for it; None: more has to arrive."""
        if self._until:
            return self._text(document, place, self._until)
        if place == len(document):
            return None
        if document[place : place + 1] != b"<":
            start = document.find(b"<", place)
            end = len(document) if start < 0 else start
            # Words do not stand in a head: the body has begun.
            self._done = bool(document[place:end].strip(b" \t\r\n\f\xef\xbb\xbf"))
            return end, document[place:end]
        if b"<!--".startswith(document[place : place + 4]):
            self._until = _COMMENT_END if len(document) - place >= 4 else None
            # Of `<!-->` the second half is the end as well.
            return (place + 2, b"<!") if self._until else None
        if closed := _CLOSED.match(document, place):
            return closed.end(), closed[0]
        return self._tag(document, place)

    def _text(
        self, document: bytes, place: int, until: re.Pattern[bytes]
    ) -> tuple[int, bytes] | None:
        """What no parser reads as tags: all of it up to its end, or all but a beginning end."""
        if found := until.search(document, place):
            self._until = None
            end = found.end() if until is _COMMENT_END else found.start()
            return end, document[place:end]
        safe = max(place, len(document) - len(until.pattern))
        return (safe, document[place:safe]) if safe > place else None

    def _tag(self, document: bytes, place: int) -> tuple[int, bytes] | None:
        tag = _TAG.match(document, place)
        if tag is None:
            # A `<` that begins nothing is a word.
            self._done = not re.match(rb"<[/!?]?(?:$|[a-z!?])", document[place:], re.IGNORECASE)
            return None
        name = tag["name"].lower()
        self._done = name not in _IN_HEAD or (bool(tag["end"]) and name in (b"head", b"html"))
        if not tag["end"] and name in _OF_TEXT:
            self._until = re.compile(rb"</%s(?=[\s/>])" % name, re.IGNORECASE)
        if name == b"meta" and not tag["end"]:
            return tag.end(), _changed(tag[0], self._change)
        return tag.end(), tag[0]


def _changed(tag: bytes, change: Callable[[str], str]) -> bytes:
    """A `<meta>` with its policy changed; as it is when it states none."""
    found: dict[bytes, re.Match[bytes]] = {}
    for attribute in _ATTRIBUTE.finditer(tag, len(b"<meta")):
        found.setdefault(attribute["name"].lower(), attribute)
    kind, content = found.get(b"http-equiv"), found.get(b"content")
    if kind is None or _value(kind).lower() != "content-security-policy":
        return tag
    if content is None or content["value"] is None:
        return tag
    before = _value(content)
    after = change(before)
    if after == before:
        return tag
    written = b'"%s" %s="%s"' % (_escaped(after), BEFORE, _escaped(before))
    return tag[: content.start("value")] + written + tag[content.end("value") :]


def _escaped(value: str) -> bytes:
    return html.escape(value).encode("latin-1", "xmlcharrefreplace")


def _value(attribute: re.Match[bytes]) -> str:
    """An attribute's value as it is meant; bytes beyond ASCII stay what they are."""
    written = attribute["value"] or b""
    if written[:1] in (b'"', b"'"):
        written = written[1:-1]
    return html.unescape(written.decode("latin-1"))
