"""Direct uploads: an address that takes exactly one announced file."""

import hashlib
import math
import re
import unicodedata
import uuid
from datetime import datetime, timedelta

from ai import store
from ai.schemas import UploadRequest, UploadTicket
from saas import aws, clock
from saas.caller import Caller
from saas.errors import BadRequest, LimitExceeded, Unavailable
from saas.plans import Uploads, catalogue
from saas.settings import settings
from saas.table import ABSENT, Item, Put, TransactionRefused, Update, When, table

MAX_NAME_CHARACTERS = 255
MAX_KEY_NAME_CHARACTERS = 100
# Day counters are only read on their day.
_DAY_KEPT = timedelta(days=7)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_INVISIBLE = frozenset({"Cf", "Zs"})
_PATH = re.compile(r"[/\\]")
# Controls, line separators, and the bidirectional overrides and isolates, with which `exe.pdf`
# may end in `fdp.exe` (Unicode Technical Report #36, "Bidirectional Text Spoofing").
_DECEPTIVE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def create(caller: Caller, request: UploadRequest) -> UploadTicket:
    """Count the upload, note the pending document, sign the address.

    Raises:
        BadRequest: no usable name, `content_type_not_allowed`, `file_too_large`.
        LimitExceeded: the day's files or bytes are used up (`upload_limit`).
    """
    limits = catalogue().uploads
    name = display_name(request.filename)
    _check(request, limits)
    now = clock.now()
    document_id = str(uuid.uuid4())
    owner = hashlib.sha256(caller.account_id.encode()).hexdigest()[:32]
    s3_key = f"uploads/pending/{owner}/{document_id}/{key_name(name)}"
    # Signed first: a failure here must not use up the day's limit.
    url = _sign(s3_key, request, limits)
    document = _document(caller.account_id, document_id, request, name=name, s3_key=s3_key, now=now)
    _count(caller.account_id, document, now, limits)
    return UploadTicket(
        document_id=document_id,
        upload_url=url,
        s3_key=s3_key,
        expires_in=limits.url_expires_seconds,
    )


def display_name(filename: str) -> str:
    """A file's name as people see it, at most 255 characters long.

    What Unicode allows in a name stays: joiners and emoji newer than this Python are part of it.

    Raises:
        BadRequest: there is no name, or it has parts of a path, control characters, or marks that
            reverse how it reads (`invalid_filename`).
    """
    name = unicodedata.normalize("NFC", filename).strip()
    if all(unicodedata.category(char) in _INVISIBLE for char in name):
        raise BadRequest("Filename is required", code="validation_failed")
    if not name.strip(".") or _PATH.search(name):
        raise BadRequest("Filename: must be a name alone, without folders", code="invalid_filename")
    if _DECEPTIVE.search(name):
        raise BadRequest("Filename: must not contain control characters", code="invalid_filename")
    return _shortened(name, MAX_NAME_CHARACTERS)


def key_name(name: str) -> str:
    """A name for S3 keys: ASCII letters, digits, `.`, `_` and `-`, at most 100 characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    safe = _UNSAFE.sub("-", plain)
    stem, dot, extension = safe.rpartition(".")
    if not dot:
        stem, extension = safe, ""
    stem = stem.strip("-._") or "file"
    return _shortened(f"{stem}.{extension}" if extension else stem, MAX_KEY_NAME_CHARACTERS)


def _shortened(name: str, limit: int) -> str:
    """Cut in the middle, so that the extension stays."""
    if len(name) <= limit:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 16:
        return name[:limit]
    return f"{stem[: limit - len(extension) - 1]}.{extension}"


def _check(request: UploadRequest, limits: Uploads) -> None:
    if request.content_type not in limits.content_types:
        raise BadRequest(
            "Files of this type cannot be uploaded. "
            f"Allowed are: {', '.join(limits.content_types)}",
            code="content_type_not_allowed",
            details={"allowed": list(limits.content_types)},
        )
    if request.size > limits.max_bytes:
        raise BadRequest(
            f"The file is too large: at most {limits.max_bytes / 1_048_576:g} MB can be uploaded",
            code="file_too_large",
            details={"limit": limits.max_bytes},
        )


def _sign(s3_key: str, request: UploadRequest, limits: Uploads) -> str:
    """The signature covers content type and length, so S3 refuses any other file."""
    return aws.s3().generate_presigned_url(
        "put_object",
        Params={
            "Bucket": settings().require("uploads_bucket"),
            "Key": s3_key,
            "ContentType": request.content_type,
            "ContentLength": request.size,
        },
        ExpiresIn=limits.url_expires_seconds,
    )


def _document(
    user_id: str, document_id: str, request: UploadRequest, *, name: str, s3_key: str, now: datetime
) -> Item:
    """Whoever reads documents leaves out those that are pending and expired: `ttl` is late."""
    key = store.document_key(user_id, document_id)
    expires = now + timedelta(hours=catalogue().uploads.pending_hours)
    return {
        "pk": key.pk,
        "sk": key.sk,
        "id": document_id,
        "filename": name,
        "contentType": request.content_type,
        "size": request.size,
        "s3Key": s3_key,
        "status": "pending",
        "createdAt": clock.iso(now),
        "expiresAt": clock.iso(expires),
        "ttl": math.ceil(expires.timestamp()),
    }


def _count(user_id: str, document: Item, now: datetime, limits: Uploads) -> None:
    """A day that has no counters yet has room: one file is never larger than a day's bytes."""
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    day = Update(
        store.upload_day_key(user_id, now.date().isoformat()),
        add={"files": 1, "bytes": document["size"]},
        default={"ttl": math.ceil((tomorrow + _DAY_KEPT).timestamp())},
        when=When(
            "attribute_not_exists(#pk) OR (#files <= :files AND #bytes <= :bytes)",
            files=limits.daily_count - 1,
            bytes=limits.daily_bytes - document["size"],
        ),
    )
    try:
        table().transact(day, Put(document, when=ABSENT))
    except TransactionRefused as refused:
        raise LimitExceeded(
            f"You can upload {limits.daily_count} files and {limits.daily_bytes / 1_048_576:g} MB "
            "a day. Please try again tomorrow",
            code="upload_limit",
            details={"limit": limits.daily_count, "resetAt": clock.iso(tomorrow)},
            headers={"Retry-After": str(max(1, math.ceil((tomorrow - now).total_seconds())))},
        ) from refused
    except TimeoutError as busy:
        raise Unavailable("Too many uploads at once, please try again", code="busy") from busy
