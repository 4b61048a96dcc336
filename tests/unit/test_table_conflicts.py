"""Single writes that meet a concurrent transaction, which local AWS serialises away."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from saas import aws
from saas.table import Key, Table, Update


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Any:
    client = boto3.client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    monkeypatch.setattr(aws, "client", lambda _: client)
    monkeypatch.setattr("saas.table._pause", lambda _: None)
    with Stubber(client) as stubber:
        yield stubber


def test_a_write_that_meets_a_transaction_is_repeated(stub: Stubber) -> None:
    stub.add_client_error("update_item", "TransactionConflictException")
    stub.add_client_error("update_item", "TransactionConflictException")
    stub.add_response("update_item", {"Attributes": {"count": {"N": "3"}}})
    item = Table("table").write(Update(Key("a", "b"), add={"count": 1}), returning=True)
    assert item == {"count": 3}
    stub.assert_no_pending_responses()


def test_a_write_that_always_meets_transactions_gives_up(stub: Stubber) -> None:
    for _ in range(12):
        stub.add_client_error("update_item", "TransactionConflictException")
    with pytest.raises(TimeoutError):
        Table("table").write(Update(Key("a", "b"), add={"count": 1}))
    stub.assert_no_pending_responses()
