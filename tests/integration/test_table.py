"""The table adapter against local AWS: conditions, transactions, pages, numbers."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from saas.table import (
    ABSENT,
    EXISTS,
    Check,
    ConditionFailed,
    Delete,
    Key,
    Put,
    Table,
    TransactionRefused,
    Update,
    When,
)
from tests.integration import domain_environment
from tests.integration.aws_fixtures import LocalAws


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> Iterator[Table]:
    domain_environment.enter(monkeypatch, aws)
    yield Table(aws.config.table_name)
    domain_environment.forget()


@pytest.fixture
def key() -> Key:
    return Key(f"TABLE#{uuid.uuid4().hex}", "ITEM#1")


def test_items_survive_with_their_types(table: Table, key: Key) -> None:
    item = {
        "pk": key.pk,
        "sk": key.sk,
        "name": "ü☃",
        "status": "reserved word",
        "count": 12345678901234567890,
        "rate": 0.7,
        "on": True,
        "map": {"list": [1, "a", False, {"deep": 1}]},
        "empty": "",
    }
    table.write(Put(item))
    assert table.get(key) == item


def test_none_is_left_out(table: Table, key: Key) -> None:
    table.write(Put({"pk": key.pk, "sk": key.sk, "gone": None}))
    assert table.get(key) == {"pk": key.pk, "sk": key.sk}
    assert table.get(Key(key.pk, "ITEM#2")) is None


def test_a_failed_condition_shows_what_is_there(table: Table, key: Key) -> None:
    table.write(Put({"pk": key.pk, "sk": key.sk, "n": 1}, when=ABSENT))
    with pytest.raises(ConditionFailed) as failed:
        table.write(Put({"pk": key.pk, "sk": key.sk, "n": 2}, when=ABSENT))
    assert failed.value.item == {"pk": key.pk, "sk": key.sk, "n": 1}
    with pytest.raises(ConditionFailed) as failed:
        table.write(Delete(Key(key.pk, "ITEM#2"), when=EXISTS))
    assert failed.value.item is None


def test_an_update_sets_defaults_adds_and_removes(table: Table, key: Key) -> None:
    first = table.write(
        Update(key, set={"status": "a"}, default={"name": "first"}, add={"count": 2}),
        returning=True,
    )
    assert first == {"pk": key.pk, "sk": key.sk, "status": "a", "name": "first", "count": 2}
    second = table.write(
        Update(
            key,
            default={"name": "second"},
            add={"count": -5},
            remove=["status"],
            when=When("#count = :seen AND #status IN (:a, :b)", seen=2, a="a", b="b"),
        ),
        returning=True,
    )
    assert second == {"pk": key.pk, "sk": key.sk, "name": "first", "count": -3}


def test_a_transaction_is_all_or_nothing_and_names_what_refused(table: Table, key: Key) -> None:
    other = Key(key.pk, "ITEM#2")
    table.write(Put({"pk": other.pk, "sk": other.sk, "n": 7}))
    with pytest.raises(TransactionRefused) as refused:
        table.transact(
            Put({"pk": key.pk, "sk": key.sk}),
            Check(other, when=When("#n = :n", n=8)),
            Delete(Key(key.pk, "ITEM#3"), when=EXISTS),
        )
    assert refused.value.refused == {1: {"pk": other.pk, "sk": other.sk, "n": 7}, 2: None}
    assert table.get(key) is None
    table.transact(Put({"pk": key.pk, "sk": key.sk}), Delete(other, when=When("#n = :n", n=7)))
    assert table.get(key)
    assert table.get(other) is None


def test_concurrent_transactions_spend_a_budget_exactly(table: Table, key: Key) -> None:
    def spend(number: int) -> bool:
        try:
            table.transact(
                Update(
                    key,
                    add={"used": 1},
                    when=When("attribute_not_exists(#used) OR #used < :cap", cap=20),
                ),
                Put({"pk": key.pk, "sk": f"SPENT#{number:03}"}, when=ABSENT),
            )
        except TransactionRefused:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(spend, range(50)))
    assert sum(results) == 20
    assert table.get(key)["used"] == 20  # type: ignore[index]
    assert len(table.query(key.pk, prefix="SPENT#", limit=50).items) == 20


def test_pages_follow_one_another_in_both_directions(table: Table, key: Key) -> None:
    names = [f"CALL#{number}" for number in range(5)]
    for name in [*names, "OTHER#1"]:
        table.write(Put({"pk": key.pk, "sk": name}))
    for newest_first in (False, True):
        seen: list[str] = []
        after = None
        while True:
            page = table.query(
                key.pk, prefix="CALL#", limit=2, newest_first=newest_first, after=after
            )
            seen += [item["sk"] for item in page.items]
            after = page.next_after
            if after is None:
                break
        assert seen == sorted(names, reverse=newest_first)


def test_a_batch_is_one_map_of_what_exists(table: Table, key: Key) -> None:
    table.write(Put({"pk": key.pk, "sk": key.sk, "n": 1}))
    absent = Key(key.pk, "ITEM#2")
    assert table.batch_get([key, absent]) == {key: {"pk": key.pk, "sk": key.sk, "n": 1}}


def test_health_of_a_table(table: Table) -> None:
    assert table.answers()
    assert not Table("no-such-table").answers()
