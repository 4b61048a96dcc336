"""`terraform/app/plans.json` from `lib/saas/plans.toml`: what Terraform needs of the plan file.

Terraform reads no TOML. Price keys are checked at plan time, model ids become policies, and the
time that pending uploads are kept becomes the bucket's rule.
"""

import json

from localcloud import generated
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
    return generated.keep(PATH, generate(), "plans.toml", check=check)
