"""A year of one subscription in less than a minute, and every cent of it worked out by hand.

The whole stack lives it: a user signs up, subscribes with a trial, is renewed, upgrades, has a card
refused, gives another, changes to yearly billing and leaves. After each step the gate answers as
the contract says, and at the end local Stripe's invoices are held against this table.

Stripe's rules that the table follows ("How subscription invoices work", "Prorations", "Using trial
periods", "Recover revenue with dunning"): a period is paid in advance, from its anchor to the same
day and second of the next month or year; a change in the middle credits the old price and charges
the new one for the seconds that remain, each line rounded to the cent; another interval begins a
new period at once, paid in full; a failed payment is tried again, here after 3 and 5 days more.

    Starter $29.00, Professional $99.00 a month or $990.00 a year. UTC. A day has 86,400 s.

    1 Jan      trial until 15 Jan                                                             0
    15 Jan     Starter, 15 Jan - 15 Feb                                                    2900
    15 Feb     Starter, 15 Feb - 15 Mar (28 days = 2,419,200 s)                            2900
    1 Mar 7:12 upgrade; until 15 Mar 0:00 remain 13 d 16 h 48 min = 1,183,680 s, that is
               1,183,680 / 2,419,200 = 13.7 / 28 of the period
                 unused Starter            2900 x 13.7 / 28 = 1418.93    - 1419
                 remaining Professional    9900 x 13.7 / 28 = 4843.93    + 4844            3425
    15 Mar     Professional, 15 Mar - 15 Apr                                               9900
    15 Apr     Professional, 15 Apr - 15 May; refused on 15 and 18 Apr, paid on 23 Apr     9900
    15 May     Professional, 15 May - 15 Jun (31 days = 2,678,400 s)                       9900
    1 Jun 0:00 yearly; until 15 Jun remain 14 d = 1,209,600 s, 14 / 31 of the period
                 unused Professional       9900 x 14 / 31 = 4470.97      - 4471
                 Professional, 1 Jun 2035 - 1 Jun 2036                   +99000           94529
    1 Jun 2036 cancelled at the end of the period: no further invoice
                                                                                  total  133454
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.stack import Stack
from tests.integration.year_stage import Year, at

SECONDS = 60.0
LATE = 60
"""Seconds within which a step follows the moment that the clock was moved to."""


STARTER = "1 × Starter (at $29.00 / month)"
PROFESSIONAL = "1 × Professional (at $99.00 / month)"
YEARLY = "1 × Professional (at $990.00 / year)"
CREATE, CYCLE, UPDATE = (f"subscription_{reason}" for reason in ("create", "cycle", "update"))
UPGRADE = "2035-03-01T07:12"
# reason; total; lines of amount, text, begin and end of the period
INVOICES = (
    (CREATE, 0, [(0, "Trial period for Starter", "2035-01-01", "2035-01-15")]),
    (CYCLE, 2900, [(2900, STARTER, "2035-01-15", "2035-02-15")]),
    (CYCLE, 2900, [(2900, STARTER, "2035-02-15", "2035-03-15")]),
    (
        UPDATE,
        3425,
        [
            (-1419, "Unused time on Starter after 01 Mar 2035", UPGRADE, "2035-03-15"),
            (4844, "Remaining time on Professional after 01 Mar 2035", UPGRADE, "2035-03-15"),
        ],
    ),
    (CYCLE, 9900, [(9900, PROFESSIONAL, "2035-03-15", "2035-04-15")]),
    (CYCLE, 9900, [(9900, PROFESSIONAL, "2035-04-15", "2035-05-15")]),
    (CYCLE, 9900, [(9900, PROFESSIONAL, "2035-05-15", "2035-06-15")]),
    (
        UPDATE,
        94529,
        [
            (-4471, "Unused time on Professional after 01 Jun 2035", "2035-06-01", "2035-06-15"),
            (99000, YEARLY, "2035-06-01", "2036-06-01"),
        ],
    ),
)
TOTAL = 133454


@pytest.fixture
def year(tmp_path: Path) -> Iterator[Year]:
    with Stack(port=0, state_dir=tmp_path) as stack:
        yield Year(stack.endpoints())


def test_a_year_in_a_minute(year: Year) -> None:
    began = time.monotonic()
    for step in (
        year.subscribe,
        year.trial_ends,
        year.renewed,
        year.upgrades,
        year.card_refused,
        year.recovers,
        year.turns_yearly,
        year.leaves,
    ):
        step()
    took = time.monotonic() - began
    invoices = year.stripe.invoices.list({"subscription": year.id, "limit": 100}).data[::-1]
    assert [(each.billing_reason, each.total, lines_of(each)) for each in invoices] == [
        (reason, total, [(amount, text) for amount, text, _, _ in lines])
        for reason, total, lines in INVOICES
    ]
    for invoice, (_, _, lines) in zip(invoices, INVOICES, strict=True):
        assert (invoice.status, invoice.amount_paid) == ("paid", invoice.total)
        for line, (_, _, begin, end) in zip(invoice.lines.data, lines, strict=True):
            assert 0 <= line.period.start - at(begin) <= LATE, (line.description, begin)
            assert 0 <= line.period.end - at(end) <= LATE, (line.description, end)
    assert sum(invoice.amount_paid for invoice in invoices) == TOTAL
    charges = year.stripe.charges.list({"customer": str(year.subscription().customer)}).data
    assert sum(each.amount for each in charges if each.status == "succeeded") == TOTAL
    assert [each.amount for each in charges if each.status == "failed"] == [9900, 9900]
    assert took <= SECONDS, f"{took:.1f} s"


def lines_of(invoice: Any) -> list[tuple[int, str]]:
    return [(line.amount, line.description) for line in invoice.lines.data]
