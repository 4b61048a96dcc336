"""Everything the local Stripe remembers: one SQLite file in WAL mode.

A commit survives the death of the process (`kill -9`); it is not flushed to the platter, so it
need not survive the death of the machine. One thread uses one connection: transactions never mix.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.process import CannotStartError

Obj = dict[str, Any]

LAYOUT = 2
SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  due INTEGER,
  body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_customer
  ON objects (kind, json_extract(body, '$.customer'), seq);
CREATE INDEX IF NOT EXISTS objects_by_due ON objects (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at REAL NOT NULL,
  UNIQUE (event, endpoint)
);
CREATE INDEX IF NOT EXISTS deliveries_pending ON deliveries (next_at) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS attempts (
  delivery INTEGER NOT NULL REFERENCES deliveries (id),
  at REAL NOT NULL,
  duration_ms INTEGER NOT NULL,
  status INTEGER,
  error TEXT,
  body TEXT,
  fault TEXT
);
CREATE INDEX IF NOT EXISTS attempts_by_delivery ON attempts (delivery);
CREATE TABLE IF NOT EXISTS idempotency (
  key TEXT PRIMARY KEY,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  status INTEGER NOT NULL,
  body TEXT NOT NULL,
  request TEXT NOT NULL,
  created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS idempotency_by_age ON idempotency (created);
CREATE TABLE IF NOT EXISTS usage (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  meter TEXT NOT NULL,
  customer TEXT NOT NULL,
  at INTEGER NOT NULL,
  value INTEGER NOT NULL,
  identifier TEXT NOT NULL,
  received INTEGER NOT NULL,
  cancelled INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS usage_by_customer ON usage (meter, customer, at, id);
CREATE INDEX IF NOT EXISTS usage_by_identifier ON usage (identifier, received);
"""
TABLES = ("attempts", "deliveries", "idempotency", "objects", "usage")


_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True)
class Where:
    """A condition on `objects`: SQL with `?`, and the values. Build it with the functions below."""

    sql: str
    values: tuple[Any, ...] = ()


def equal(field: str, value: Any) -> Where:
    """The field, a dotted path inside the object, has this value."""
    return Where(f"json_extract(body, '$.{field}') = ?", (value,))


def among(field: str, values: Sequence[Any]) -> Where:
    """The field has one of these values."""
    marks = ", ".join("?" * len(values))
    return Where(f"json_extract(body, '$.{field}') IN ({marks})", tuple(values))


def within(field: str, bounds: dict[str, int]) -> Where:
    """The field lies within `gt`, `gte`, `lt`, `lte`."""
    signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    parts = [f"json_extract(body, '$.{field}') {signs[name]} ?" for name in bounds]
    return Where(" AND ".join(parts) or "1", tuple(bounds.values()))


EXISTS = Where("json_extract(body, '$._deleted') IS NULL")
"""The object has not been deleted."""


class Store:
    """Objects by id and kind, in order of creation; the other tables belong to `webhooks`,
    `idempotency` and `usage`.

    `db` is in autocommit mode: changes belong inside `with store.transaction():`.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        layout = self.db.execute("PRAGMA user_version").fetchone()[0]
        if layout not in (0, LAYOUT):
            raise CannotStartError(
                f"{path} was written by another release of Groundwork. Delete it and start again: "
                "local Stripe then begins with nothing but the plans."
            )
        self.db.executescript(SCHEMA)
        self.db.execute(f"PRAGMA user_version = {LAYOUT}")

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or none of it."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Like a transaction, inside one; an error that `keeps_changes` undoes nothing."""
        self.db.execute("SAVEPOINT part")
        try:
            yield
        except BaseException as error:
            if not getattr(error, "keeps_changes", False):
                self.db.execute("ROLLBACK TO part")
            self.db.execute("RELEASE part")
            raise
        self.db.execute("RELEASE part")

    def clear(self) -> None:
        """Forget everything."""
        for table in TABLES:
            self.db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the constant above

    def put(self, obj: Obj) -> None:
        """Insert or replace an object. `_due` (epoch seconds) is when it wants attention."""
        self.db.execute(
            "INSERT INTO objects (id, kind, due, body) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET due = excluded.due, body = excluded.body",
            (obj["id"], obj["object"], obj.get("_due"), _encode(obj)),
        )

    def get(self, kind: str, identifier: str) -> Obj | None:
        """The object, or None if there is none of that kind with that id."""
        row = self.db.execute(
            "SELECT body FROM objects WHERE id = ? AND kind = ?", (identifier, kind)
        ).fetchone()
        return json.loads(row["body"]) if row else None

    def seq(self, kind: str, identifier: str) -> int | None:
        """The object's place in the order of creation."""
        row = self.db.execute(
            "SELECT seq FROM objects WHERE id = ? AND kind = ?", (identifier, kind)
        ).fetchone()
        return int(row["seq"]) if row else None

    def select(
        self,
        kind: str,
        *wheres: Where,
        before: int | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> list[Obj]:
        """Objects newest first; with `after`, the `limit` objects created next after that place."""
        conditions = ["kind = ?", *(where.sql for where in wheres)]
        values: list[Any] = [kind, *(value for where in wheres for value in where.values)]
        for sign, bound in (("<", before), (">", after)):
            if bound is not None:
                conditions.append(f"seq {sign} ?")
                values.append(bound)
        order = "ASC" if after is not None else "DESC"
        rows = self.db.execute(
            f"SELECT body FROM objects WHERE {' AND '.join(conditions)} "  # noqa: S608 - our own SQL
            f"ORDER BY seq {order} LIMIT ?",
            (*values, -1 if limit is None else limit),
        ).fetchall()
        found = [json.loads(row["body"]) for row in rows]
        return found[::-1] if after is not None else found

    def next_due(self, now: int) -> Obj | None:
        """The object whose time came first, if any has come."""
        row = self.db.execute(
            "SELECT body FROM objects WHERE due <= ? ORDER BY due, seq LIMIT 1", (now,)
        ).fetchone()
        return json.loads(row["body"]) if row else None

    def first_due(self) -> int | None:
        """When the next object wants attention (epoch seconds); None if none ever will."""
        row = self.db.execute("SELECT min(due) FROM objects WHERE due IS NOT NULL").fetchone()
        return None if row[0] is None else int(row[0])
