"""`python -m tests.bench`: measure, print, write `docs/benchmarks.json`, chart and docs.

`--quick` takes few samples, writes nothing and fails on generous ceilings, so that a regression is
noticed by the tests; without it the promised ceilings decide.
"""

import argparse
import json
import os
import platform
import signal
import sys
import time
from typing import Any

from localcloud.config import ROOT
from localcloud.release.errors import ReleaseError
from tests.bench import chart, figures, report, world
from tests.bench.cases import CASES, FLOOR
from tests.bench.containers import BenchError, Fleet
from tests.bench.local_images import prepare
from tests.bench.measure import Bench, Measured
from tests.bench.stub import Stub

COLD_STARTS, WARM_CALLS, IMPORT_RUNS = 15, 300, 5
DOCS = ROOT / "docs"


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        document = measure(
            options.cold, options.warm, import_runs=0 if options.quick else IMPORT_RUNS
        )
    except (BenchError, ReleaseError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: stopped, containers removed", file=sys.stderr)
        return 130
    print(report.terminal(document))
    if not options.quick:
        _write(document)
    limits = {case.name: case.loose_ceiling if options.quick else case.ceiling for case in CASES}
    slow = figures.too_slow(document, limits)
    for line in slow:
        print(f"bench: {line}", file=sys.stderr)
    return 1 if slow else 0


def measure(cold: int, warm: int, *, import_runs: int) -> dict[str, Any]:
    """Run everything; the document is that of `figures.document`, with `imports` by case."""
    with Fleet() as fleet, Stub(fleet.address, world.answer) as stub:
        say("images")
        images = prepare(fleet.engine)
        bench = Bench(fleet, stub, {name: image.reference for name, image in images.items()})
        found = [Measured.of(case) for case in (FLOOR, *CASES)]
        bench.cold(found, cold, say)
        bench.warm(found, warm, say)
        document = figures.document(
            found[0],
            found[1:],
            {name: image.added_mb for name, image in images.items()},
            {"cpus": os.cpu_count(), "architecture": platform.machine()},
        )
        if import_runs:
            say("imports")
            document["import_runs"] = import_runs
            document["imports"] = {
                each.case.name: bench.imports(each.case, import_runs) for each in found
            }
            document["machine"]["tls_ms"] = bench.tls_ms()
    return document


def say(text: str) -> None:
    """A line of progress."""
    print(f"bench {time.monotonic() - _STARTED:5.0f} s  {text}", file=sys.stderr, flush=True)


def _write(document: dict[str, Any]) -> None:
    (DOCS / "benchmarks.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    (DOCS / "images" / "benchmarks.svg").write_text(chart.svg(document))
    report.write_section(DOCS / "images.md", report.section(document))
    say("wrote docs/benchmarks.json, docs/images/benchmarks.svg and docs/images.md")


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few samples, generous ceilings")
    parser.add_argument("--cold", type=int, help=f"cold starts of each case ({COLD_STARTS})")
    parser.add_argument("--warm", type=int, help=f"warm calls of each case ({WARM_CALLS})")
    options = parser.parse_args(arguments)
    options.cold = options.cold or (2 if options.quick else COLD_STARTS)
    options.warm = options.warm or (20 if options.quick else WARM_CALLS)
    return options


_STARTED = time.monotonic()
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
