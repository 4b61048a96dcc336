"""What happens by itself: sessions expire, trials and periods end, cancellations take effect."""

from dataclasses import replace

from localcloud.stripe.work import Work


def catch_up(work: Work, most: int | None = None) -> int:
    """Do everything whose time has come, in order of time, each at its own time; at `most` so many.

    Belongs inside a transaction. None of this is the caller's doing: its events name no request.
    Returns how many deadlines have passed.
    """
    passed = 0
    while passed != most and (obj := work.store.next_due(work.now)):
        on_due = work.resources[obj["object"]].on_due
        if on_due is None:
            raise RuntimeError(f"{obj['object']} has a due time, but nothing to do then")
        then = replace(work, now=int(obj["_due"]), request_id=None, idempotency_key=None)
        deadline = obj["_due"]
        on_due(then, obj)
        if obj.get("_due") is not None and obj["_due"] <= deadline:
            raise RuntimeError(f"{obj['id']} did not get past its deadline")
        passed += 1
    return passed
