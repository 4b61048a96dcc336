"""Policies of resources: whom they name, and what they let them do.

After "AWS JSON policy elements: Principal" of the IAM user guide.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from localcloud.aws.iam.policy import Access, Statement


@dataclass(frozen=True)
class Principal:
    """Who asks: `kind` is Service, AWS or Federated; `names` are all that a policy may call it."""

    kind: str
    names: tuple[str, ...]


def admits(policy: tuple[Statement, ...], principal: Principal, access: Access) -> bool:
    """Whether a resource's policy (a trust policy is one) lets the principal do this.

    A statement that is not modelled whole may be about anyone.
    """
    said = {
        statement.allows
        for statement in policy
        if (_names(statement.principals, principal) or not statement.is_whole)
        and statement.applies(access)
    }
    return said == {True}


def _names(principals: Mapping[str, tuple[str, ...]], principal: Principal) -> bool:
    # "*" alone is everyone; for a service, `{"Service": "*"}` is no valid principal.
    everyone = "*" in principals.get("*", ()) or (
        principal.kind == "AWS" and "*" in principals.get("AWS", ())
    )
    return everyone or bool(set(principals.get(principal.kind, ())) & set(principal.names))
