"""S3 repairs: a bucket's policy is read with its conditions; a versioned bucket can be emptied.

Stock moto leaves conditions out, so that a bucket which refuses requests without TLS refuses all of
them. Requests on this machine's loopback count as if they had TLS.
"""

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, FakeDeleteMarker

from localcloud.aws.iam.policy import Access, statements
from localcloud.aws.repair import added, repair


@repair(FakeBucket, "get_permission")
def get_permission(self: Any, action: str, resource: str) -> PermissionResult:
    """What the policy says to anybody: callers are judged by their own policies elsewhere."""
    if self.policy is None:
        return PermissionResult.NEUTRAL
    # The permission to look at an object's head is the one to get it.
    action = action.replace("s3:HeadObject", "s3:GetObject")
    access = Access(action, resource, {"aws:securetransport": ("true",)})
    found = [each for each in statements(self.policy.decode()) if each.applies(access)]
    if any(not each.allows for each in found):
        return PermissionResult.DENIED
    to_all = any("*" in names for each in found for names in each.principals.values())
    return PermissionResult.PERMITTED if to_all else PermissionResult.NEUTRAL


@added(FakeDeleteMarker)
def dispose(self: FakeDeleteMarker, garbage: bool = False) -> None:
    """A marker has no content to free; stock moto fails on it when several keys are deleted."""
