"""`terraform/app/plans.json` from `lib/saas/plans.toml`: what Terraform needs of the plan file.

Terraform reads no TOML. Price keys are checked at plan time, model ids become policies, and the
time that pending uploads are kept becomes the bucket's rule.
"""

import json
import sys

from localcloud.config import ROOT
from saas.plans import catalogue

PATH = ROOT / "terraform" / "app" / "plans.json"


def generate() -> str:
    """The document as text, stable from run to run."""
    found = catalogue()
    document = {
        "price_keys": [plan.price_key for plan in found.plans],
        "models": {alias: model.id for alias, model in found.models.items()},
        "uploads": {"pending_hours": found.uploads.pending_hours},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main(check: bool) -> int:
    """Write the document, or with `check` only compare; returns the process's exit code."""
    text = generate()
    name = PATH.relative_to(ROOT)
    if not check:
        PATH.write_text(text, encoding="utf-8")
        print(f"wrote {name}")
        return 0
    if PATH.exists() and PATH.read_text(encoding="utf-8") == text:
        return 0
    print(f"{name} does not match plans.toml. Run `make fix` and commit it.", file=sys.stderr)
    return 1
