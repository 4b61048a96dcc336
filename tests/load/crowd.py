"""A stack that holds much, filled by the fastest way into each part, and the memory it takes.

`LOAD=full` is 1,000 users with 20,000 calls, 10,000 Stripe events and 1,000 mails; without it a
tenth of that.
"""

import os
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config

from localcloud.config import StackConfig
from localcloud.stack import Stack
from localcloud.stripe.store import Store
from localcloud.stripe.versions import DEFAULT
from saas import clock
from saas.attributes import marshal
from saas.entitlements import Entitlement, to_item

MEASURABLE = Path("/proc/self/smaps_rollup").exists()
"""Whether this system says how much memory of a process is shared with others."""

FULL = os.environ.get("LOAD") == "full"
SHARE = 1 if FULL else 10
USERS = 1000 // SHARE
CALLS = 20_000 // SHARE
EVENTS = 10_000 // SHARE
MAILS = 1000 // SHARE
BUSY = "load-00000"
"""The user who has half of all calls."""

Item = dict[str, Any]


@contextmanager
def crowded(state: Path) -> Iterator[Stack]:
    """A running stack with users, calls, events, mails and logged requests."""
    write_events(state / "stripe.sqlite", EVENTS)
    with Stack(port=0, state_dir=state) as stack:
        write_items(stack.config, [*users(USERS), *calls(CALLS, USERS)])
        send_mails(stack.config, MAILS)
        answer_requests(stack.site_url, 1200 // SHARE)
        yield stack


def user_id(number: int) -> str:
    return f"load-{number:05}"


def users(count: int) -> Iterator[Item]:
    """Users with an active subscription, and the bindings of their customers."""
    now = datetime.now(UTC)
    for number in range(count):
        user, customer = user_id(number), f"cus_load{number:05}"
        at = clock.iso(now - timedelta(minutes=number))
        key, email = f"USER#{user}", f"{user}@example.com"
        profile = {"id": user, "email": email, "name": f"User {number}", "createdAt": at}
        index = {"gsi1pk": f"EMAIL#{email}", "gsi1sk": key}
        yield {"pk": key, "sk": key, **index, **profile, "stripeCustomerId": customer}
        begin, end = now - timedelta(days=10), now + timedelta(days=20, minutes=number)
        period = {"current_period_start": begin, "current_period_end": end}
        yield to_item(
            Entitlement(
                user_id=user,
                stripe_subscription_id=f"sub_load{number:05}",
                customer_id=customer,
                stripe_status="active",
                plan_id="starter",
                cancel_at_period_end=False,
                created_at=at,
                updated_at=at,
                applied_seq=1,
                **period,
            )
        )
        binding = f"CUSTOMER#{customer}"
        yield {"pk": binding, "sk": binding, "userId": user, "createdAt": at, "syncSeq": 1}


def calls(count: int, among: int) -> Iterator[Item]:
    """Finished calls, one a second, every other one by one user."""
    now = datetime.now(UTC)
    for number in range(count):
        user = user_id(number % among if number % 2 else 0)
        at, call = clock.iso(now - timedelta(seconds=number)), str(uuid.uuid4())
        yield {
            "pk": f"AI#{user}",
            "sk": f"CALL#{at}#{call}",
            "id": call,
            "period": f"PERIOD#{at}",
            "model": "fast",
            "prompt": f"Question {number}: " + "why is metering exact? " * 8,
            "response": "Because every call is settled once. " * 12,
            "inputTokens": 100,
            "outputTokens": 200,
            "cacheReadTokens": 0,
            "cacheWriteTokens": 0,
            "costMicroUsd": 1234,
            "outcome": "answered",
            "createdAt": at,
        }


def write_items(config: StackConfig, items: Iterable[Item]) -> None:
    """Put items into the stack's table."""
    dynamodb = _client(config, "dynamodb")
    puts = [{"PutRequest": {"Item": marshal(item)}} for item in items]
    for first in range(0, len(puts), 25):
        dynamodb.batch_write_item(RequestItems={config.table_name: puts[first : first + 25]})


def write_events(path: Path, count: int) -> None:
    """Give local Stripe a past, before it starts: events that were delivered at once."""
    store = Store(path)
    now = int(datetime.now(UTC).timestamp())
    with store.transaction():
        for number in range(count):
            customer, at = f"cus_load{number % USERS:05}", now - count + number
            invoice = {"id": f"in_load{number:05}", "object": "invoice", "customer": customer}
            store.put(
                {
                    "id": f"evt_load{number:05}",
                    "object": "event",
                    "api_version": DEFAULT,
                    "created": at,
                    "data": {"object": {**invoice, "metadata": {"text": "x" * 1500}}},
                    "livemode": False,
                    "request": {"id": None, "idempotency_key": None},
                    "type": "invoice.paid",
                }
            )
            done = store.db.execute(
                "INSERT INTO deliveries (event, endpoint, state, attempts, next_at)"
                " VALUES (?, 'we_load', 'succeeded', 1, ?)",
                (f"evt_load{number:05}", at),
            )
            store.db.execute(
                "INSERT INTO attempts (delivery, at, duration_ms, status, body)"
                """ VALUES (?, ?, 12, 200, '{"received":true}')""",
                (done.lastrowid, at),
            )
    store.close()


def send_mails(config: StackConfig, count: int) -> None:
    ses = _client(config, "ses")
    ses.verify_email_identity(EmailAddress="from@example.com")
    text = {"Data": "Your code is 123456. " * 20}
    for number in range(count):
        ses.send_email(
            Source="from@example.com",
            Destination={"ToAddresses": [f"{user_id(number)}@example.com"]},
            Message={"Subject": {"Data": f"Mail {number}"}, "Body": {"Text": text}},
        )


def answer_requests(site: str, count: int) -> None:
    """Have the API answer, so that there are requests and lines to show."""
    with requests.Session() as session, ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda _: session.get(f"{site}/backend/plans", timeout=30), range(count))
        assert {answer.status_code for answer in answers} == {200}


def memory_of(stack: Stack) -> dict[str, float]:
    """Proportional set size (MB) of every process of a stack, by command line and process id.

    What several processes share, such as the interpreter's code, counts once. This process, in
    which the supervisor runs, is not among them.
    """
    found: dict[str, float] = {}
    for pid in _descendants(set(stack.pids.values())):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        size = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        found[f"{command.strip()[-60:]} ({pid})"] = size / 1024
    return found


def _descendants(pids: set[int]) -> set[int]:
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1])
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _client(config: StackConfig, service: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=config.aws_url,
        region_name=config.region,
        aws_access_key_id=config.access_key_id,
        aws_secret_access_key=config.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )
