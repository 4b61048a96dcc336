"""Every fault of the model beside every fault of the table: what is charged, what is said of it.

Where the provider's usage was received, that is the charge; else the row says `estimated`, and is
not below what the stand-in billed. What a sentence says of charging is what the ledger says.
"""

import re
from typing import Any, NamedTuple

import pytest

from ai import closing
from tests.integration.ai_stage import Caller, caller, provider
from tests.integration.bedrock_server import LocalBedrock
from tests.integration.breaking import Breaker, breaker

__all__ = ["breaker", "caller", "provider"]

TRANSACTION, WRITE = "dynamodb:TransactWriteItems", "dynamodb:UpdateItem"
MAX_TOKENS = 100


class Model(NamedTuple):
    """A fault of the model: what is armed, and what comes of it when the table is well.

    `row` is the outcome of the call's row (None: no row, nothing charged).
    """

    lever: dict[str, Any]
    status: int
    code: str
    row: str | None


# The model's levers. `error` of each code that Bedrock bills nothing for ends like one of these.
MODEL = {
    "well": Model({}, 200, "", "end_turn"),
    "throttle": Model({"kind": "throttle", "count": 4}, 503, "ai_throttled", None),
    "unavailable": Model(
        {"kind": "error", "code": "ServiceUnavailableException"}, 503, "ai_unavailable", None
    ),
    "failed": Model({"kind": "error", "code": "ModelErrorException"}, 502, "ai_failed", None),
    "model timeout": Model(
        {"kind": "error", "code": "ModelTimeoutException"}, 504, "ai_timeout", "estimated"
    ),
    "slow": Model({"kind": "slow", "seconds": 0.2}, 200, "", "end_turn"),
    "timeout": Model({"kind": "timeout", "seconds": 0.2}, 504, "ai_timeout", "estimated"),
    "disconnect": Model({"kind": "disconnect"}, 504, "ai_timeout", "estimated"),
    "lost": Model({"kind": "lost"}, 504, "ai_timeout", "estimated"),
    "no usage": Model({"kind": "odd", "shape": "no_usage"}, 200, "", "estimated"),
    "null counts": Model({"kind": "odd", "shape": "null_counts"}, 200, "", "estimated"),
    "no text": Model({"kind": "odd", "shape": "no_text"}, 502, "ai_empty", "end_turn"),
    "filtered": Model({"kind": "odd", "shape": "filtered"}, 400, "ai_filtered", "content_filtered"),
    "guardrail": Model({"kind": "odd", "shape": "guardrail"}, 200, "", "guardrail_intervened"),
    "error body": Model({"kind": "odd", "shape": "error"}, 502, "ai_unreadable", "estimated"),
    "empty body": Model({"kind": "odd", "shape": "empty"}, 502, "ai_unreadable", "estimated"),
}

# The table's levers. The first transaction holds the bound, the second one settles or releases;
# the first write marks the call as sent, and a second one notes its end.
LASTING = {"count": None}
KINDS = ("throttle", "error_before", "error_after", "disconnect_before", "disconnect_after")
TABLE: dict[str, list[dict[str, Any]]] = {
    "well": [],
    "the hold, lasting: error_after": [{"kind": "error_after", "on": TRANSACTION, "count": 4}],
    "the end: error_after": [{"kind": "error_after", "on": TRANSACTION, "nth": 2}],
    **{
        f"the end, lasting: {kind}": [{"kind": kind, "on": TRANSACTION, "nth": 2, **LASTING}]
        for kind in KINDS
    },
    "the end: conflict": [{"kind": "conflict", "on": TRANSACTION, "nth": 2, "count": 6}],
    "the end: latency": [{"kind": "latency", "on": TRANSACTION, "nth": 2, "seconds": 0.3}],
    "the mark: error_after": [{"kind": "error_after", "on": WRITE, "nth": 1}],
    "the mark: disconnect_after": [{"kind": "disconnect_after", "on": WRITE, "nth": 1}],
    "the mark, lasting: error_after": [{"kind": "error_after", "on": WRITE, "nth": 1, "count": 4}],
    "the mark, lasting: throttle": [{"kind": "throttle", "on": WRITE, "nth": 1, "count": 4}],
    "the end and its note, lasting": [
        {"kind": "throttle", "on": TRANSACTION, "nth": 2, **LASTING},
        {"kind": "throttle", "on": WRITE, "nth": 2, **LASTING},
    ],
    "mark and release, lasting": [
        {"kind": "error_after", "on": WRITE, "nth": 1, "count": 4},
        {"kind": "throttle", "on": TRANSACTION, "nth": 2, **LASTING},
    ],
    "mark, release and note, lasting": [
        {"kind": "error_after", "on": WRITE, "nth": 1, "count": 4},
        {"kind": "throttle", "on": WRITE, "nth": 1, **LASTING},
        {"kind": "throttle", "on": TRANSACTION, "nth": 2, **LASTING},
    ],
}
UNSENT = {name for name in TABLE if name.startswith(("mark", "the mark, lasting", "the hold"))}
UNNOTED = {"the end and its note, lasting", "mark, release and note, lasting"}

FREE = "Nothing was charged"
COUNTS = "This call counts towards your plan"
MAY_COUNT = "This call may count towards your plan"


@pytest.mark.parametrize("table_fault", TABLE)
@pytest.mark.parametrize("model_fault", MODEL)
def test_charges_and_sentences(
    caller: Caller, provider: LocalBedrock, breaker: Breaker, model_fault: str, table_fault: str
) -> None:
    model, sent = MODEL[model_fault], table_fault not in UNSENT
    caller.subscribe()
    caller.usage()
    if model.lever:
        provider.fault(**model.lever)
    for lever in TABLE[table_fault]:
        breaker.arm(**lever)
    status, body = caller.generate("Hi", maxTokens=MAX_TOKENS, remaining_ms=7_000)
    breaker.disarm()
    if sent:
        assert (status, body.get("code", "")) == (model.status, model.code)
    else:
        assert (status, body["code"]) == (503, "unavailable")
        assert provider.calls() == []
    swept_early = caller.usage()["calls"]["used"]
    caller.expire()
    caller.usage()
    rows = caller.rows()
    caller.assert_ledger(len(rows))
    check_charge(model, rows, provider.calls(), unknown=table_fault in UNNOTED, sent=sent)
    check_sentence(body, charged=len(rows), shown=swept_early)


def check_charge(
    model: Model, rows: list[Any], billed: list[Any], *, unknown: bool, sent: bool
) -> None:
    """What is charged, when everything that was left open has been swept."""
    expected = model.row if sent else None
    if unknown:
        # Nothing could be stored after the mark: the sweep takes the call for one that died.
        assert [row["outcome"] for row in rows] == ["estimated"]
    else:
        assert [row["outcome"] for row in rows] == ([expected] if expected else [])
    for row in rows:
        charged = row["inputTokens"], row["outputTokens"]
        if row["outcome"] == "estimated":
            assert charged == (len("Hi") + 64, MAX_TOKENS)
        for call in billed:
            usage = call["usage"]["inputTokens"], call["usage"]["outputTokens"]
            exact = row["outcome"] != "estimated"
            assert charged == usage if exact else charged[0] >= usage[0] and charged[1] >= usage[1]


def check_sentence(body: Any, *, charged: int, shown: int) -> None:
    if body["success"]:
        assert charged == 1
        return
    sentence = body["error"]
    claims = [claim for claim in (FREE, COUNTS, MAY_COUNT) if claim in sentence]
    assert re.search(r"charged|count", sentence) is None or len(claims) == 1, sentence
    if claims == [FREE]:
        assert charged == shown == 0
    if claims == [COUNTS]:
        assert charged == 1
    if charged:
        assert claims in ([COUNTS], [MAY_COUNT])


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """An outage is waited for less long than in production."""
    monkeypatch.setattr(closing, "OUTAGE_SECONDS", 0.5)
