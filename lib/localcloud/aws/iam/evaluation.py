"""Allowed or not, and why not in IAM's own words.

After "Policy evaluation logic" and "Troubleshoot access denied error messages" of the IAM user
guide, for one account: an explicit deny anywhere wins; an identity-based policy has to allow; so do
the permissions boundary and the session policy where there are any. Policies of resources are not
consulted: what they would allow is refused here.
"""

from dataclasses import dataclass

from localcloud.aws.iam.policy import Access, Statement


@dataclass(frozen=True)
class Policies:
    """Statements that hold for one caller; None: there is no such policy, so it limits nothing."""

    identity: tuple[Statement, ...]
    boundary: tuple[Statement, ...] | None = None
    session: tuple[Statement, ...] | None = None


def reason_to_refuse(policies: Policies, access: Access) -> str | None:
    """The end of IAM's sentence, such as "because no session policy allows …"; None: allowed."""
    layers = [
        (policies.identity, "an identity-based policy", "no identity-based policy"),
        (policies.boundary, "a permissions boundary", "no permissions boundary"),
        (policies.session, "a session policy", "no session policy"),
    ]
    allowing = []
    for found, denying, missing in layers:
        said = {each.allows for each in found or () if each.applies(access)}
        if False in said:
            return f"with an explicit deny in {denying}"
        if found is not None and not said:
            allowing.append(f"because {missing} allows the {access.action} action")
    return allowing[0] if allowing else None
