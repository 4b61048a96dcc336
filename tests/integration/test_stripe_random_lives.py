"""Random lives of many customers: whatever happens, the books are right to the cent.

Nothing here knows what an invoice should say. It knows what must hold of all of them: sums, money
taken and given back, numbers, statuses, events, periods, and time that is paid for once.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.lives_account import LivesAccount
from tests.integration.lives_checks import Books, all_wrong
from tests.integration.lives_events import events_wrong
from tests.integration.lives_time import charged, periods
from tests.integration.random_lives import Lives

STEPS = 110


def live(folder: Path, seed: int, *, exact: bool = False) -> tuple[Lives, Books]:
    """One history and its books; if a step breaks the server, seed and steps are printed."""
    account = LivesAccount(folder)
    lives = Lives(account, seed, exact=exact)
    try:
        lives.live(STEPS)
        books = Books(account)
    except BaseException:
        print(history(lives, seed))  # noqa: T201 - pytest shows it with the failure
        raise
    assert lives.done > lives.refused, f"seed {seed}: too little happened"
    return lives, books


def history(lives: Lives, seed: int) -> str:
    return "\n".join([f"seed {seed}", *lives.account.http.log])


def check(wrong: list[str], lives: Lives, seed: int) -> None:
    assert wrong == [], "\n".join([*wrong, history(lives, seed)])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_books_are_right_whatever_happens(tmp_path: Path, seed: int) -> None:
    lives, books = live(tmp_path, seed)
    assert len(books.all["invoice"]) > len(lives.customers)
    check([*all_wrong(books), *events_wrong(books), *periods(books)], lives, seed)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_every_second_is_paid_for_once(tmp_path: Path, seed: int) -> None:
    lives, books = live(tmp_path, seed, exact=True)
    check(list(charged(books, lives.credited)), lives, seed)


def test_the_same_seed_is_the_same_history_to_the_cent(tmp_path: Path) -> None:
    one, other = (gist(live(tmp_path / each, 21)[1]) for each in ("one", "other"))
    assert one == other


def gist(books: Books) -> list[Any]:
    """The invoices and the kinds of events, without what is drawn anew each time."""
    sums = ("amount_due", "amount_paid", "created", "status", "subtotal", "total")
    invoices = [
        (
            [invoice[name] for name in sums],
            [(line["description"], line["amount"]) for line in invoice["lines"]["data"]],
        )
        for invoice in books.all["invoice"]
    ]
    return [invoices, [(event["created"], event["type"]) for event in books.all["event"]]]
