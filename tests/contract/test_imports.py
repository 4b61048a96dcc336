"""Imports point one way, cost little, and work with an empty environment."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOMAINS = ("users", "billing", "ai")
ADAPTERS = {
    "boto3": {"lib/saas/aws.py"},
    "botocore": {"lib/saas/aws.py"},
    "stripe": {"images/billing/stripe_api.py", "images/billing/stripe_http.py"},
}


def _sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def _imports(path: Path) -> set[str]:
    """Dotted names of all absolute imports of a file, those inside functions included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in _imports(path)}


def test_the_runtime_library_knows_no_domain_and_no_local_cloud() -> None:
    for path in _sources("lib/saas"):
        assert not _roots(path) & {*DOMAINS, "localcloud", "operations", "tests"}, path


@pytest.mark.parametrize("domain", DOMAINS)
def test_domains_know_neither_each_other_nor_the_local_cloud(domain: str) -> None:
    foreign = {*DOMAINS, "localcloud", "operations", "tests"} - {domain}
    paths = _sources(f"images/{domain}")
    assert paths
    for path in paths:
        assert not _roots(path) & foreign, path


def test_operators_commands_know_the_runtime_library_alone() -> None:
    paths = _sources("lib/operations")
    assert paths
    for path in paths:
        assert not _roots(path) & {*DOMAINS, "localcloud", "tests"}, path


@pytest.mark.parametrize("domain", DOMAINS)
def test_services_know_no_routes_and_nobody_imports_a_handler(domain: str) -> None:
    for path in _sources(f"images/{domain}"):
        names = _imports(path)
        assert f"{domain}.handler" not in names, path
        if path.stem not in ("handler", "routes") and not path.stem.endswith("_routes"):
            assert not any(name.endswith("routes") for name in names), path
            assert not any(name.startswith("aws_lambda_powertools") for name in names), path


@pytest.mark.parametrize("package", ADAPTERS)
def test_sdks_appear_only_in_adapters(package: str) -> None:
    for path in _sources("lib/saas", "images"):
        if package in _roots(path):
            assert path.relative_to(ROOT).as_posix() in ADAPTERS[package], path


def test_the_environment_is_read_in_one_place() -> None:
    readers = {path.name for path in _sources("lib/saas", "images") if "os" in _roots(path)}
    assert readers == {"settings.py"}


def _modules() -> list[str]:
    bases = [(ROOT / "lib", name) for name in ("saas", "localcloud", "operations")]
    bases += [(ROOT / "images", domain) for domain in DOMAINS]
    names = []
    for base, package in bases:
        for path in sorted((base / package).rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            if parts[-1] not in ("__main__", "__init__"):
                names.append(".".join(parts))
    return names


def _python(code: str) -> subprocess.CompletedProcess[str]:
    path = f"{ROOT / 'lib'}:{ROOT / 'images'}"
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_module_imports_with_an_empty_environment_and_opens_nothing() -> None:
    code = f"""
import importlib, sys
opened = []
watched = ("socket.connect", "subprocess.Popen")
sys.addaudithook(lambda name, args: opened.append(name) if name in watched else None)
for name in {_modules()!r}:
    importlib.import_module(name)
assert not opened, opened
"""
    result = _python(code)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("handler", "absent"),
    [
        ("users.handler", {"boto3", "botocore.client", "stripe", "jwt", "requests"}),
        ("billing.handler", {"boto3", "botocore.client", "stripe", "jwt", "requests"}),
        ("ai.handler", {"boto3", "botocore.client", "stripe", "jwt", "requests"}),
    ],
)
def test_a_cold_start_does_not_pay_for_what_a_route_may_not_use(
    handler: str, absent: set[str]
) -> None:
    result = _python(f"import sys, {handler}; print(sorted(set(sys.modules) & {absent!r}))")
    assert result.stdout.strip() == "[]", result.stdout + result.stderr


def test_the_gateway_needs_no_package_that_its_image_lacks() -> None:
    locked = (ROOT / "images" / "localcloud" / "requirements.txt").read_text(encoding="utf-8")
    names = {
        "pydantic": "pydantic",
        "aws_lambda_powertools": "aws-lambda-powertools",
        "jwt": "pyjwt",
    }
    absent = {name for name, package in names.items() if f"\n{package}==" not in f"\n{locked}"}
    result = _python(
        f"import sys, localcloud.gateway.run; print(sorted(set(sys.modules) & {absent!r}))"
    )
    assert result.stdout.strip() == "[]", result.stdout + result.stderr
