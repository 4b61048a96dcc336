"""Alarms and dashboard look for exactly the metrics that functions write."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from saas import observability

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "terraform/modules/observability"


def written() -> set[str]:
    """Names of all metrics that some function writes."""
    paths = [*(ROOT / "images").rglob("*.py"), *(ROOT / "lib/saas").rglob("*.py")]
    return {name for path in paths for name in _names(ast.parse(path.read_text("utf-8")))}


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        called = isinstance(node, ast.Call) and ast.unparse(node.func)
        if called in ("observability.count", "observability.measure"):
            name = node.args[0]
            assert isinstance(name, ast.Constant), ast.unparse(node)
            yield str(name.value)


def watched() -> set[str]:
    """Names of the metrics that alarms of billing and AI watch."""
    return set(re.findall(r'^\s+metric\s+= "(\w+)"', (MODULE / "main.tf").read_text("utf-8"), re.M))


def shown() -> set[str]:
    """Names of our metrics on the dashboard."""
    lines = (MODULE / "dashboard.tf").read_text("utf-8").splitlines()
    ours = [line for line in lines if "local.namespace" in line]
    return {name for line in ours for name in re.findall(r'"([A-Z]\w+)"', line)}


def test_alarms_watch_metrics_that_are_written() -> None:
    assert {"WebhookFailed", "ReconcileCursorAge", "AiThrottled", "AiCost"} <= watched()
    assert watched() <= written()


def test_the_dashboard_shows_every_metric() -> None:
    assert shown() == written()


def test_namespace_and_dimension_agree() -> None:
    text = (MODULE / "main.tf").read_text("utf-8")
    assert re.findall(r'namespace = "(\w+)"', text) == [observability.NAMESPACE]
    assert re.findall(r"dimension = { (\w+) = var.environment }", text) == [observability.DIMENSION]


def test_the_dimension_has_the_value_that_functions_get() -> None:
    app = "".join(path.read_text("utf-8") for path in (ROOT / "terraform/app").glob("*.tf"))
    assert re.findall(r"\bAPP_ENV\s+= (\S+)", app) == ["var.environment"]
    (module,) = re.findall(r'module "observability" {.*?\n}', app, re.S)
    assert re.findall(r"^  environment\s+= (\S+)", module, re.M) == ["var.environment"]
