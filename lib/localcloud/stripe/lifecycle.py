"""What happens by itself: sessions expire, trials and periods end, cancellations take effect."""

from dataclasses import replace

from localcloud.stripe.work import Work

MOST_STEPS = 10_000


def catch_up(work: Work) -> None:
    """Do everything whose time has come, in order of time, each at its own time.

    Belongs inside a transaction. None of this is the caller's doing: its events name no request.
    """
    for _ in range(MOST_STEPS):
        obj = work.store.next_due(work.now)
        if obj is None:
            return
        on_due = work.resources[obj["object"]].on_due
        if on_due is None:
            raise RuntimeError(f"{obj['object']} has a due time, but nothing to do then")
        then = replace(work, now=int(obj["_due"]), request_id=None, idempotency_key=None)
        on_due(then, obj)
    raise RuntimeError(f"more than {MOST_STEPS} deadlines in one step")
