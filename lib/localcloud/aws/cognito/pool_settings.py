"""Changing a pool: what is fixed for its life stays, and its tags (missing in moto) can be set.

Amazon Cognito API Reference: UpdateUserPool, TagResource, UntagResource, ListTagsForResource.
"""

from typing import Any

from moto.cognitoidp.models import CognitoIdpBackend, CognitoIdpUserPool
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.core.responses import ActionResult, EmptyResult

from localcloud.aws.cognito.errors import CognitoError
from localcloud.aws.repair import added, repair

FIXED = ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
TAGS = "UserPoolTags"


@repair(CognitoIdpBackend, "update_user_pool")
def update_user_pool(
    self: CognitoIdpBackend, user_pool_id: str, extended_config: dict[str, Any]
) -> None:
    """Whatever is not given is set back, as at Cognito, but for what cannot be given.

    Stock moto forgets how people sign in. Tags stay unless new ones are given.
    """
    before = self.describe_user_pool(user_pool_id).extended_config
    kept = {name: before[name] for name in (*FIXED, TAGS) if name in before}
    update_user_pool.stock(self, user_pool_id, {**kept, **extended_config})  # type: ignore[attr-defined]


@added(CognitoIdpResponse)
def tag_resource(self: CognitoIdpResponse) -> ActionResult:
    """TagResource: tags of a pool, beside those it has."""
    pool = _pool(self)
    pool.extended_config[TAGS] = {**_tags(pool), **self._get_param("Tags")}
    return EmptyResult()


@added(CognitoIdpResponse)
def untag_resource(self: CognitoIdpResponse) -> ActionResult:
    """UntagResource."""
    pool, gone = _pool(self), self._get_param("TagKeys")
    pool.extended_config[TAGS] = {k: v for k, v in _tags(pool).items() if k not in gone}
    return EmptyResult()


@added(CognitoIdpResponse)
def list_tags_for_resource(self: CognitoIdpResponse) -> ActionResult:
    """ListTagsForResource."""
    return ActionResult({"Tags": _tags(_pool(self))})


def _tags(pool: CognitoIdpUserPool) -> dict[str, str]:
    return pool.extended_config.get(TAGS) or {}


def _pool(response: CognitoIdpResponse) -> CognitoIdpUserPool:
    arn = response._get_param("ResourceArn")
    for pool in response.backend.user_pools.values():
        if pool.arn == arn:
            return pool
    raise CognitoError("ResourceNotFoundException", f"Resource {arn} does not exist.")
