"""Metrics: one line of embedded metric format each, cheap enough for every call."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from saas import observability
from saas.settings import settings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("APP_ENV", "staging")
    monkeypatch.setenv("TABLE_NAME", "groundwork-staging")
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_a_metric_is_one_line_that_cloudwatch_understands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    observability.measure("Age", 12.5, "Seconds")
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    stamp = found["_aws"].pop("Timestamp")
    assert abs(stamp - time.time() * 1000) < 5000
    declared = {
        "Namespace": "Groundwork",
        "Dimensions": [["environment"]],
        "Metrics": [{"Name": "Age", "Unit": "Seconds"}],
    }
    assert found == {
        "_aws": {"CloudWatchMetrics": [declared]},
        "environment": "staging",
        "Age": 12.5,
    }


def test_counting_adds_one_unless_told_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    observability.count("Calls")
    observability.count("Calls", 40)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["Calls"] for line in lines] == [1, 40]
    assert {line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Unit"] for line in lines} == {
        "Count"
    }


def test_a_first_metric_imports_nothing() -> None:
    """Powertools' metrics cost 160 ms at their first use, more than the rest of a cold start."""
    code = (
        "import sys; from saas import observability; before = set(sys.modules);"
        "observability.count('Calls'); print(sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_a_metric_takes_less_than_a_tenth_of_a_millisecond(
    capsys: pytest.CaptureFixture[str],
) -> None:
    began = time.process_time()
    for _ in range(1000):
        observability.count("Calls")
    assert time.process_time() - began < 0.1
    assert len(capsys.readouterr().out.splitlines()) == 1000
