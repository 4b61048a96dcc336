"""`POST /upload/url` against local AWS, up to the browser's PUT."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ai import uploads
from saas import clock, plans
from saas.table import Item
from tests.factories import body_of
from tests.integration import domain_environment
from tests.integration.ai_stage import Caller
from tests.integration.aws_fixtures import LocalAws

FILE = {"filename": "Report 2026.pdf", "contentType": "application/pdf", "size": 11}


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> Iterator[Caller]:
    domain_environment.enter(monkeypatch, aws, ALLOWED_ORIGINS="http://localhost:8000")
    yield Caller(aws)
    domain_environment.forget()


def ask(caller: Caller, **changes: Any) -> tuple[int, Any]:
    return caller.call("POST", "/upload/url", {**FILE, **changes})


def day_of(caller: Caller) -> Item:
    (item,) = caller.stored("UPLOADS#")
    return item


def put(url: str, content: bytes, content_type: str) -> int:
    """The status of the browser's PUT."""
    request = urllib.request.Request(
        url, data=content, method="PUT", headers={"Content-Type": content_type}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_ticket_and_its_pending_document(caller: Caller) -> None:
    status, body = ask(caller)
    data = body["data"]
    assert status == 200
    assert data.keys() == {"documentId", "uploadUrl", "s3Key", "expiresIn"}
    assert data["expiresIn"] == 900
    assert data["s3Key"].startswith("uploads/pending/")
    assert data["s3Key"].endswith(f"/{data['documentId']}/Report-2026.pdf")
    assert caller.user_id not in data["s3Key"]
    (document,) = caller.stored("DOC#")
    assert (document["id"], document["filename"]) == (data["documentId"], "Report 2026.pdf")
    assert (document["status"], document["size"]) == ("pending", 11)
    expires = clock.parse(document["expiresAt"])
    assert timedelta(hours=23) < expires - clock.now() <= timedelta(hours=24)
    assert abs(document["ttl"] - expires.timestamp()) <= 1
    assert (day_of(caller)["files"], day_of(caller)["bytes"]) == (1, 11)


def test_the_signature_covers_type_and_size(caller: Caller) -> None:
    _, body = ask(caller)
    url = urlsplit(body["data"]["uploadUrl"])
    query = parse_qs(url.query)
    assert query["X-Amz-SignedHeaders"] == ["content-length;content-type;host"]
    assert query["X-Amz-Expires"] == ["900"]
    # A browser sends no checksum, so none may be asked for.
    assert not [name for name in query if "checksum" in name.lower()]
    assert url.path.endswith(body["data"]["s3Key"])


def test_the_announced_file_is_accepted(caller: Caller, aws: LocalAws) -> None:
    _, body = ask(caller)
    assert put(body["data"]["uploadUrl"], b"hello world", "application/pdf") == 200
    stored = aws.client("s3").get_object(
        Bucket=aws.config.uploads_bucket, Key=body["data"]["s3Key"]
    )
    assert stored["ContentType"] == "application/pdf"
    with stored["Body"] as content:
        assert content.read() == b"hello world"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [(b"hello world!", "application/pdf"), (b"hello", "application/pdf"), (b"hello world", "x/y")],
)
def test_any_other_file_is_refused(
    caller: Caller, aws: LocalAws, content: bytes, content_type: str
) -> None:
    _, body = ask(caller)
    assert put(body["data"]["uploadUrl"], content, content_type) == 403
    listed = aws.client("s3").list_objects_v2(
        Bucket=aws.config.uploads_bucket, Prefix=body["data"]["s3Key"]
    )
    assert listed["KeyCount"] == 0


def test_no_subscription_is_needed_and_users_are_kept_apart(caller: Caller, aws: LocalAws) -> None:
    _, mine = ask(caller)
    _, theirs = ask(Caller(aws))
    owners = {body["data"]["s3Key"].split("/")[2] for body in (mine, theirs)}
    assert len(owners) == 2


def test_types_are_limited(caller: Caller) -> None:
    for content_type in ("text/html", "image/svg+xml", "application/x-msdownload", "TEXT/PLAIN"):
        status, body = ask(caller, contentType=content_type)
        assert (status, body["code"]) == (400, "content_type_not_allowed")
        assert "application/pdf" in body["error"]
    assert body["allowed"] == list(plans.catalogue().uploads.content_types)
    assert caller.stored("DOC#") == []


def test_sizes_are_limited(caller: Caller) -> None:
    limit = plans.catalogue().uploads.max_bytes
    status, body = ask(caller, size=limit + 1)
    assert (status, body["code"], body["limit"]) == (400, "file_too_large", limit)
    assert "at most 25 MB" in body["error"]
    assert ask(caller, size=limit)[0] == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 0},
        {"size": -1},
        {"size": "11"},
        {"size": 1.5},
        {"size": None},
        {"size": True},
        {"contentType": ""},
        {"contentType": 5},
        {"filename": 5},
        {"filename": ["a"]},
    ],
)
def test_wrong_values_are_refused(caller: Caller, changes: Any) -> None:
    status, body = ask(caller, **changes)
    assert (status, body["code"]) == (400, "validation_failed")
    assert caller.stored("UPLOADS#") == []


@pytest.mark.parametrize("name", ["", "  ", None])
def test_a_file_needs_a_name(caller: Caller, name: Any) -> None:
    status, body = ask(caller, filename=name)
    assert (status, body["error"]) == (400, "Filename is required")


@pytest.mark.parametrize("name", ["/", "..", "a/..", "../../etc/passwd", "C:\\x.txt", "a\r\nb"])
def test_a_name_is_no_path_and_has_no_control_characters(caller: Caller, name: str) -> None:
    status, body = ask(caller, filename=name)
    assert (status, body["code"]) == (400, "invalid_filename")
    assert caller.stored("UPLOADS#") == []


@pytest.mark.parametrize("name", ["日本語.pdf", "a" * 1_000, "%2e%2e.pdf", "👨\u200d👩.pdf"])
def test_strange_names_make_harmless_keys(caller: Caller, name: str) -> None:
    status, body = ask(caller, filename=name)
    assert status == 200
    *_, document_id, safe = body["data"]["s3Key"].split("/")
    assert document_id == body["data"]["documentId"]
    assert safe.isascii()
    assert 0 < len(safe) <= 100
    assert put(body["data"]["uploadUrl"], b"hello world", "application/pdf") == 200


def limit_day(monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
    real = plans.catalogue()
    small = replace(real, uploads=replace(real.uploads, **limits))
    monkeypatch.setattr(uploads, "catalogue", lambda: small)


def test_files_of_a_day_are_limited_under_concurrency(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_day(monkeypatch, daily_count=7)
    with ThreadPoolExecutor(20) as pool:
        statuses = [status for status, _ in pool.map(lambda _: ask(caller), range(20))]
    assert (statuses.count(200), statuses.count(429)) == (7, 13)
    assert (day_of(caller)["files"], day_of(caller)["bytes"]) == (7, 77)
    assert len(caller.stored("DOC#")) == 7


def test_bytes_of_a_day_are_limited(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    limit_day(monkeypatch, daily_bytes=30)
    assert [ask(caller)[0] for _ in range(3)] == [200, 200, 429]
    assert ask(caller, size=8)[0] == 200
    assert day_of(caller)["bytes"] == 30


def test_the_limit_resets_at_midnight(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    limit_day(monkeypatch, daily_count=1)
    moment = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: moment)
    ask(caller)
    answer = caller.send("POST", "/upload/url", FILE)
    body = body_of(answer)
    assert (answer["statusCode"], body["code"]) == (429, "upload_limit")
    assert body["resetAt"] == "2026-04-01T00:00:00.000Z"
    assert answer["headers"]["Retry-After"] == "7200"
    monkeypatch.setattr(clock, "now", lambda: moment + timedelta(hours=2))
    assert ask(caller)[0] == 200
