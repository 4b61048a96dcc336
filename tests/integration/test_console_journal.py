"""What functions have written and how their calls ended is kept by request."""

import json
from pathlib import Path

import pytest

from localcloud.functions import journal
from localcloud.functions.journal import Call, Journal
from tests.integration.local_gateway import RunningGateway, running_gateway, wait_until


def _only(local: RunningGateway, function: str) -> Call:
    (call,) = [call for call in local.gateway.journal.calls() if call.function == function]
    return call


def test_a_plain_line_belongs_to_the_call_that_wrote_it(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as local:
        for line in ("first line", "second line"):
            local.invoke("demo-patient", {"do": "print", "line": line})
        kept = local.gateway.journal
        wait_until(lambda: len(list(kept.lines())) >= 2)
        newest, oldest = list(kept.calls())
        assert [line.text for line in kept.lines_of(newest.id)] == ["second line"]
        assert [line.text for line in kept.lines_of(oldest.id)] == ["first line"]
        assert (newest.function, newest.outcome) == ("demo-patient", "answered")
        assert newest.duration_ms is not None


def test_how_calls_fail_is_kept(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as local:
        local.invoke("demo-patient", {"do": "raise", "message": "no such luck"})
        local.invoke("demo-behave", {"do": "hang"})
        local.invoke("demo-broken")
        raised = _only(local, "demo-patient")
        assert (raised.outcome, raised.error) == ("failed", "ValueError: no such luck")
        wait_until(lambda: local.gateway.journal.lines_of(raised.id))
        text = "\n".join(line.text for line in local.gateway.journal.lines_of(raised.id))
        assert "ValueError: no such luck" in text
        hung = _only(local, "demo-behave")
        assert "Task timed out after 1.00 seconds" in hung.error
        assert 900 < (hung.duration_ms or 0) < 8000
        assert "broken at import" in _only(local, "demo-broken").error


def _line(**fields: object) -> str:
    return json.dumps(fields)


def test_json_lines_say_themselves_whose_they_are() -> None:
    kept = Journal()
    ids = {"function_request_id": "one", "correlation_id": "walk"}
    kept.write("ai-api", _line(message="call settled", **ids), "somebody else's")
    kept.write("users-api", _line(message="seen", correlation_id="walk", function_request_id="two"))
    kept.write("ai-api", "plain", "one")
    assert [line.text for line in kept.lines_of("one")][1:] == ["plain"]
    assert len(kept.lines_of("one")) == 2
    assert len(kept.lines_of("walk")) == 2
    assert kept.lines_of("somebody else's") == []


def test_long_lines_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "CHARACTERS_KEPT", 1000)
    kept = Journal()
    for number in range(50):
        kept.write("ai-api", f"{number:02}" + "x" * 98)
    assert [line.text[:2] for line in kept.lines()] == [f"{n:02}" for n in range(49, 39, -1)]


def test_only_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LONGEST_LINE", 10)
    kept = Journal()
    for number in range(journal.LINES_KEPT + 5):
        kept.write("ai-api", f"{number} and much more than that")
    lines = list(kept.lines())
    assert len(lines) == journal.LINES_KEPT
    assert lines[0].text == f"{journal.LINES_KEPT + 4} and m"
    kept.write("ai-api", '{"not": "closed"')
    assert next(kept.lines()).fields is None
