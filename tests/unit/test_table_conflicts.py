"""Single writes that meet a concurrent transaction, which local AWS serialises away."""

from typing import Any

import pytest

from saas import table as table_module
from saas.aws_http import AwsError
from saas.table import ABSENT, Key, Put, Table, TransactionRefused, Update


class Scripted:
    """A client that answers one call after the other from a list."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []

    def call(self, _: str, request: dict[str, Any]) -> Any:
        self.requests.append(dict(request))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def script(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> Scripted:
    scripted = Scripted(*answers)
    monkeypatch.setattr(table_module, "client", lambda _: scripted)
    monkeypatch.setattr(table_module, "_pause", lambda _: None)
    return scripted


CONFLICT = AwsError("TransactionConflictException", 400, {})


def cancelled(*codes: str) -> AwsError:
    reasons = [{"Code": code} for code in codes]
    return AwsError("TransactionCanceledException", 400, {"CancellationReasons": reasons})


def test_a_write_that_meets_a_transaction_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, CONFLICT, CONFLICT, {"Attributes": {"count": {"N": "3"}}})
    item = Table("table").write(Update(Key("a", "b"), add={"count": 1}), returning=True)
    assert item == {"count": 3}


def test_a_write_that_always_meets_transactions_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted = script(monkeypatch, *[CONFLICT] * table_module.CONFLICT_ATTEMPTS)
    with pytest.raises(TimeoutError):
        Table("table").write(Update(Key("a", "b"), add={"count": 1}))
    assert scripted.answers == []


def test_a_conflicting_transaction_is_repeated_under_a_token_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scripted = script(monkeypatch, cancelled("None", "TransactionConflict"), {})
    Table("table").transact(Put({"pk": "a", "sk": "b"}), Put({"pk": "a", "sk": "c"}))
    tokens = [request["ClientRequestToken"] for request in scripted.requests]
    assert len(set(tokens)) == 2


def test_a_transaction_that_is_still_at_work_keeps_its_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its first answer was lost: under another token it would meet its own writes."""
    at_work = AwsError("TransactionInProgressException", 400, {})
    scripted = script(monkeypatch, at_work, at_work, {})
    Table("table").transact(Put({"pk": "a", "sk": "b"}, when=ABSENT))
    tokens = [request["ClientRequestToken"] for request in scripted.requests]
    assert len(tokens) == 3
    assert len(set(tokens)) == 1


def test_a_refused_transaction_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, cancelled("ConditionalCheckFailed", "TransactionConflict"))
    with pytest.raises(TransactionRefused) as refused:
        Table("table").transact(
            Put({"pk": "a", "sk": "b"}, when=ABSENT), Put({"pk": "a", "sk": "c"})
        )
    assert refused.value.refused == {0: None}


@pytest.mark.parametrize("code", ["ValidationError", "ItemCollectionSizeLimitExceeded"])
def test_a_wrong_transaction_fails_at_once(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    script(monkeypatch, cancelled("None", code))
    with pytest.raises(AwsError):
        Table("table").transact(Put({"pk": "a", "sk": "b"}))
