"""The bench's arithmetic, and what it writes."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench import chart, figures, imports, report
from tests.bench.cases import CASES, FLOOR
from tests.bench.measure import ColdStart, Measured

KEYS = {
    "name",
    "cold_cpu_ms",
    "cold_cpu_ratio",
    "cold_wall_ms",
    "warm_p50_ms",
    "warm_p99_ms",
    "peak_mb",
    "image_mb",
}


def measured(case, image: str, *cpu_ms: float, warm_ms: list[float]) -> Measured:
    """Cold starts of the given CPU times, and everything else in proportion."""
    cold = [ColdStart(each, each * 2, each / 2, each / 4, peak_mb=each / 10) for each in cpu_ms]
    return Measured(case, image, cold, warm_ms, warm_cpu_ms=1.234, requests=4.9999)


@pytest.fixture
def document() -> figures.Figures:
    floor = measured(FLOOR, "users", 40, 50, 90, warm_ms=[1.0, 2.0, 3.0])
    found = [
        measured(CASES[0], "billing", 600, 500, 100, warm_ms=[float(n) for n in range(1, 101)])
    ]
    made = figures.document(floor, found, {"billing": 53.46}, {"cpus": 2, "architecture": "x86_64"})
    made["import_runs"] = 3
    made["machine"]["tls_ms"] = 41.2
    made["imports"] = {CASES[0].name: {**dict.fromkeys(imports.NAMES, 0.0), "everything": 480.0}}
    made["imports"][CASES[0].name]["pydantic"] = 111.4
    return made


def test_ratio_is_median_to_median_of_the_same_run(document: figures.Figures) -> None:
    (case,) = document["cases"]
    assert document["floor"]["cold_cpu_ms"] == 50
    assert document["floor"]["cold_cpu_ratio"] == 1
    assert (case["cold_cpu_ms"], case["cold_cpu_ratio"]) == (500, 10)
    assert (case["cold_wall_ms"], case["peak_mb"], case["image_mb"]) == (1000, 50, 53.5)
    assert (case["warm_p50_ms"], case["warm_over_floor_ms"]) == (50, 48)
    assert (case["warm_p95_ms"], case["warm_p99_ms"], case["requests"]) == (95, 99, 5)
    assert case.keys() >= KEYS
    assert document["floor"].keys() >= KEYS


def test_percentile_is_the_nearest_rank() -> None:
    assert figures.percentile([3.0, 1.0, 2.0], 50) == 2
    assert figures.percentile([1.0], 99) == 1
    assert figures.percentile([float(n) for n in range(1, 201)], 99) == 198


def test_a_case_above_its_ceiling_is_named(document: figures.Figures) -> None:
    assert figures.too_slow(document, {CASES[0].name: 10.0}) == []
    (line,) = figures.too_slow(document, {CASES[0].name: 9.99})
    assert "GET /subscription/status" in line
    assert "10.0×" in line


def test_chart_is_xml_with_a_bar_for_each_row(document: figures.Figures) -> None:
    root = ElementTree.fromstring(chart.svg(document))
    bars = root.iter("{http://www.w3.org/2000/svg}rect")
    widths = [float(bar.get("width", "0")) for bar in bars]
    assert len(widths) == 2
    assert widths[1] == pytest.approx(10 * widths[0], rel=0.01)


def test_table_has_a_line_for_each_row_and_equal_columns(document: figures.Figures) -> None:
    lines = report.terminal(document).splitlines()
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1


def test_section_replaces_only_itself(tmp_path: Path, document: figures.Figures) -> None:
    page = tmp_path / "images.md"
    page.write_text("# Images\n\nOurs.\n")
    report.write_section(page, report.section(document))
    document["cases"][0]["cold_cpu_ratio"] = 7.7
    page.write_text(page.read_text() + "\nAfter it.\n")
    report.write_section(page, report.section(document))
    text = page.read_text()
    assert text.startswith("# Images\n\nOurs.\n")
    assert text.rstrip().endswith("After it.")
    assert text.count(report.BEGIN) == text.count(report.END) == 1
    assert "7.7×" in text
    assert "10.0×" not in text
    assert "| GET /subscription/status | 111 | 369 | 480 |" in text


def test_import_times_are_summed_by_package() -> None:
    log = """import time: self [us] | cumulative | imported package
import time:      1500 |       1500 |     pydantic_core._pydantic_core
import time:      2500 |       4000 |   pydantic
import time:       700 |       4700 | saas.settings
import time:       300 |        300 | email.header
"""
    found = imports.by_group(log)
    assert found["pydantic"] == 4
    assert found["our code"] == 0.7
    assert found[imports.STANDARD] == 0.3
    assert imports.quickest([found, {**found, "pydantic": 3.0}])["pydantic"] == 3
    assert imports.heaviest(log, 1) == [("pydantic", 2.5)]


def test_document_is_json(document: figures.Figures) -> None:
    assert json.loads(json.dumps(document)) == document
