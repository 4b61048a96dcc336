"""Mail that nobody sends: Cognito's codes and SES messages, kept for `GET /_local/mail`."""

import itertools
import re
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal

from localcloud.aws.connections import Answer
from localcloud.aws.routing import LOCKS, LocalRequest, call_moto

KEPT = 1000


@dataclass(frozen=True)
class Mail:
    """One message; `code` is the verification code in it, if any; `at` is ISO 8601 UTC."""

    id: str
    to: str
    subject: str
    body: str
    code: str | None
    source: Literal["cognito", "ses"]
    at: str


class Mailbox:
    """The newest messages to anybody, in memory."""

    def __init__(self) -> None:
        self._mails: deque[Mail] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._collected = 0

    def send(
        self,
        to: str,
        subject: str,
        body: str,
        *,
        source: Literal["cognito", "ses"],
        code: str | None = None,
    ) -> None:
        """Deliver one message."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self._lock:
            number = f"mail-{next(self._numbers)}"
            self._mails.appendleft(Mail(number, to, subject, body, code, source, at))

    def newest_first(
        self, to: str = "", *, before: str = "", limit: int = KEPT
    ) -> list[dict[str, Any]]:
        """Messages as JSON objects: those to one address, before one of them (its id)."""
        with self._lock:
            mails = list(self._mails)
        if before:
            ids = [mail.id for mail in mails]
            mails = mails[ids.index(before) + 1 :] if before in ids else []
        wanted = (mail for mail in mails if not to or mail.to.lower() == to.lower())
        return [asdict(mail) for mail in islice(wanted, limit)]

    def clear(self) -> None:
        with self._lock:
            self._mails.clear()
            self._collected = 0

    def collect_ses(self) -> None:
        """Take over what moto's SES accepted since the last time; call under the lock of SES."""
        models = sys.modules.get("moto.ses.models")
        if models is None:
            return
        messages = [
            message
            for _, _, backend in models.ses_backends.iter_backends()
            for message in backend.sent_messages
        ]
        for message in messages[self._collected :]:
            for to, subject, body in _ses_parts(message):
                self.send(to, subject, body, source="ses")
        self._collected = len(messages)


def _ses_parts(message: Any) -> list[tuple[str, str, str]]:
    """(to, subject, body) for each recipient of one of moto's SES messages."""
    destinations = getattr(message, "destinations", [])
    if isinstance(destinations, dict):
        destinations = [address for addresses in destinations.values() for address in addresses]
    subject, body = getattr(message, "subject", None), getattr(message, "body", None)
    raw = getattr(message, "raw_data", None)
    if raw is not None:
        subject, body = _raw_subject(str(raw)), str(raw)
    if body is None:
        body = str(getattr(message, "template_data", ""))
        subject = str(getattr(message, "template", ""))
    return [(str(to), str(subject or ""), str(body)) for to in destinations]


def _raw_subject(raw: str) -> str:
    match = re.search(r"^subject:\s*(.*)$", raw, re.IGNORECASE | re.MULTILINE)
    return match.group(1).strip() if match else ""


MAILBOX = Mailbox()


def handler(service: Literal["ses", "sesv2"]) -> Callable[[LocalRequest], Answer]:
    """Moto's SES, whose accepted messages land in the mailbox."""

    def handle(request: LocalRequest) -> Answer:
        with LOCKS.of(service):
            answer = call_moto(service, request)
            MAILBOX.collect_ses()
        return answer

    return handle
