"""The figures for people: a table on the terminal, and the section of `docs/images.md`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.imports import EVERYTHING, NAMES

BEGIN, END = "<!-- written by `make bench` -->", "<!-- end of what `make bench` writes -->"
Row = Mapping[str, Any]
_COLUMNS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("case", lambda row: row["name"]),
    ("cold CPU", lambda row: f"{row['cold_cpu_ratio']:.1f}×"),
    ("ms", lambda row: f"{row['cold_cpu_ms']:.0f}"),
    ("cold wall", lambda row: f"{row['cold_wall_ms']:.0f} ms"),
    ("warm p50", lambda row: f"{row['warm_p50_ms']:.1f}"),
    ("p95", lambda row: f"{row['warm_p95_ms']:.1f}"),
    ("p99", lambda row: f"{row['warm_p99_ms']:.1f} ms"),
    ("over floor", lambda row: f"{row['warm_over_floor_ms']:+.1f} ms"),
    ("warm CPU", lambda row: f"{row['warm_cpu_ms']:.1f} ms"),
    ("requests", lambda row: str(row["requests"])),
    ("peak", lambda row: f"{row['peak_mb']:.0f} MB"),
    ("image", lambda row: f"{row['image_mb']:.0f} MB"),
)


def terminal(document: Row) -> str:
    """The table, aligned."""
    cells = _cells(document)
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def section(document: Row) -> str:
    """The part of the docs that every run rewrites: figures, chart, imports."""
    machine = document["machine"]
    return "\n".join(
        [
            BEGIN,
            "",
            f"{document['cold_starts']} cold starts and {document['warm_calls']} warm calls of "
            f"each case, on {machine['cpus']} cores ({machine['architecture']}):",
            "",
            "![CPU time of a cold start by route](images/benchmarks.svg)",
            "",
            *_markdown(_cells(document)),
            "",
            "Where the first call's time goes, by import (milliseconds of wall time, the least of "
            f"{document['import_runs']} runs):",
            "",
            *_markdown(_imports(document)),
            "",
            "The stub speaks plain HTTP. What TLS adds to a first call, apart from the network: "
            f"{machine['tls_ms']:.1f} ms of CPU to prepare the list of authorities.",
            "",
            END,
        ]
    )


def write_section(path: Path, text: str) -> None:
    """Put a section in its place between the marks, or at the end of the page."""
    page = path.read_text() if path.exists() else "# Images\n"
    before, mark, rest = page.partition(BEGIN)
    after = rest.partition(END)[2] if mark else ""
    path.write_text(before.rstrip() + "\n\n" + text + (after.rstrip() + "\n" if after else "\n"))


def _cells(document: Row) -> list[list[str]]:
    rows = [document["floor"], *document["cases"]]
    return [[name for name, _ in _COLUMNS], *([show(row) for _, show in _COLUMNS] for row in rows)]


def _imports(document: Row) -> list[list[str]]:
    """A line per case, a column per group that takes a millisecond anywhere."""
    found = document["imports"]
    names = [name for name in NAMES if any(row[name] >= 1 for row in found.values())]
    head = ["case", *names, "the rest", EVERYTHING]
    lines = []
    for case, row in found.items():
        rest = row[EVERYTHING] - sum(row[name] for name in NAMES)
        times = [*(row[name] for name in names), rest, row[EVERYTHING]]
        lines.append([case, *(f"{milliseconds:.0f}" for milliseconds in times)])
    return [head, *lines]


def _markdown(cells: Sequence[Sequence[str]]) -> list[str]:
    head, *lines = ("| " + " | ".join(line) + " |" for line in cells)
    return [head, "|---|" + "--:|" * (len(cells[0]) - 1), *lines]
