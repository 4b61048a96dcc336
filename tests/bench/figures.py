"""From samples to figures: medians, percentiles, and ratios to the floor of the same run."""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from tests.bench.measure import Measured

Figures = dict[str, Any]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(math.ceil(percent / 100 * len(ordered)), 1) - 1]


def figures(measured: Measured, floor: Measured, image_mb: float) -> Figures:
    """One line of `docs/benchmarks.json`.

    Times are milliseconds, sizes MB (10^6 bytes). `cold_*` are medians of first calls to fresh
    containers: CPU and peak resident memory of the function's process, wall time of the call, and
    what the emulator reports of it. `warm_over_floor_ms` compares medians; `requests` is how many
    requests to the stub a warm call waits for.
    """
    cpu = _cold(measured, "cpu_ms")
    p50, floor_p50 = percentile(measured.warm_ms, 50), percentile(floor.warm_ms, 50)
    return {
        "name": measured.case.name,
        "about": measured.case.about,
        "function": measured.case.function,
        "cold_cpu_ms": round(cpu, 1),
        "cold_cpu_ratio": round(cpu / _cold(floor, "cpu_ms"), 2),
        "cold_wall_ms": round(_cold(measured, "wall_ms"), 1),
        "cold_init_ms": round(_cold(measured, "init_ms"), 1),
        "cold_invoke_ms": round(_cold(measured, "invoke_ms"), 1),
        "warm_p50_ms": round(p50, 2),
        "warm_p95_ms": round(percentile(measured.warm_ms, 95), 2),
        "warm_p99_ms": round(percentile(measured.warm_ms, 99), 2),
        "warm_over_floor_ms": round(p50 - floor_p50, 2),
        "warm_cpu_ms": round(measured.warm_cpu_ms, 2),
        "requests": round(measured.requests),
        "peak_mb": round(_cold(measured, "peak_mb"), 1),
        "image_mb": round(image_mb, 1),
    }


def document(
    floor: Measured, cases: Sequence[Measured], images: Mapping[str, float], machine: Figures
) -> Figures:
    """What `docs/benchmarks.json` holds: `images` are sizes on top of the base by domain."""
    return {
        "machine": machine,
        "cold_starts": len(floor.cold),
        "warm_calls": len(floor.warm_ms),
        "floor": figures(floor, floor, 0.0),
        "cases": [figures(each, floor, images[each.image]) for each in cases],
    }


def too_slow(found: Figures, ceilings: Mapping[str, float]) -> list[str]:
    """The cases whose cold CPU exceeds their ceiling, in words."""
    return [
        f"{case['name']}: {case['cold_cpu_ratio']}× the floor's CPU, "
        f"at most {ceilings[case['name']]}×"
        for case in found["cases"]
        if case["cold_cpu_ratio"] > ceilings[case["name"]]
    ]


def _cold(measured: Measured, name: str) -> float:
    return median(getattr(start, name) for start in measured.cold)
