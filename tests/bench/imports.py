"""Where a cold start's time goes by import, from `-X importtime` during a real first call."""

import re
from collections.abc import Iterable, Sequence

# (what a reader knows it by, its top-level packages); anything else is the standard library.
GROUPS = (
    (
        "pydantic",
        ("pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"),
    ),
    ("Powertools", ("aws_lambda_powertools", "jmespath")),
    ("our code", ("saas", "users", "billing", "ai")),
    ("cryptography", ("cryptography", "_cffi_backend", "jwt")),
    ("Stripe SDK", ("stripe",)),
    ("urllib3", ("requests", "urllib3", "certifi", "charset_normalizer", "idna")),
    ("AWS SDK", ("boto3", "botocore", "s3transfer", "dateutil")),
    ("Lambda runtime", ("awslambdaric", "simplejson", "snapshot_restore_py", "runtime_client")),
)
STANDARD, EVERYTHING = "standard library", "everything"
NAMES = (*(name for name, _ in GROUPS), STANDARD)
_BY_PACKAGE = {package: name for name, packages in GROUPS for package in packages}
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s*([\w.]+)")


def by_group(log: str) -> dict[str, float]:
    """Milliseconds that each group's own modules took, from a process's `importtime` output.

    A module's own time is without what it imports; building models and apps counts as our code.
    """
    found = dict.fromkeys(NAMES, 0.0)
    for microseconds, module in _LINE.findall(log):
        found[_BY_PACKAGE.get(module.split(".")[0], STANDARD)] += int(microseconds) / 1000
    return found


def quickest(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    """Per group, the least of several runs: whatever else the machine does only adds to them."""
    return {name: round(min(run[name] for run in runs), 1) for name in runs[0]}


def heaviest(log: str, count: int) -> list[tuple[str, float]]:
    """The modules with the largest own times, in milliseconds."""
    found: Iterable[tuple[str, float]] = (
        (module, int(microseconds) / 1000) for microseconds, module in _LINE.findall(log)
    )
    return sorted(found, key=lambda pair: -pair[1])[:count]
