"""Keys of what the ai domain stores: everything lies in the partition `AI#<user id>`.

`PERIOD#<begin>` counters of one quota window, `RESERVATION#<call id>` calls in flight,
`CALL#<begin>#<call id>` finished calls, `UPLOADS#<day>` counters of one day, `DOC#<id>` documents.
"""

from datetime import datetime

from saas import clock
from saas.table import Key

RESERVATIONS = "RESERVATION#"
CALLS = "CALL#"


def partition(user_id: str) -> str:
    """Partition key of all that belongs to a user here."""
    return f"AI#{user_id}"


def period_key(user_id: str, begin: datetime) -> Key:
    return Key(partition(user_id), f"PERIOD#{clock.iso(begin)}")


def reservation_key(user_id: str, call_id: str) -> Key:
    return Key(partition(user_id), f"{RESERVATIONS}{call_id}")


def call_key(user_id: str, created_at: str, call_id: str) -> Key:
    return Key(partition(user_id), f"{CALLS}{created_at}#{call_id}")


def upload_day_key(user_id: str, day: str) -> Key:
    return Key(partition(user_id), f"UPLOADS#{day}")


def document_key(user_id: str, document_id: str) -> Key:
    return Key(partition(user_id), f"DOC#{document_id}")
