"""CloudFront repairs: a distribution answers exactly what it was given, and what AWS adds to it.

Stock moto drops what it does not know; Terraform's provider crashes when `OriginGroups` is missing.
CloudFront API Reference: DistributionConfig.
"""

import copy
from typing import Any

from moto.cloudfront.exceptions import OriginDoesNotExist
from moto.cloudfront.models import CloudFrontBackend, Distribution, DistributionConfig, random_id

from localcloud.aws.repair import repair

NONE = {"Quantity": 0}
METHODS = {"Quantity": 2, "Items": ["HEAD", "GET"]}

CONFIG = {
    "Aliases": NONE,
    "CacheBehaviors": NONE,
    "Comment": "",
    "ContinuousDeploymentPolicyId": "",
    "CustomErrorResponses": NONE,
    "DefaultRootObject": "",
    "HttpVersion": "http2",
    "IsIPV6Enabled": True,
    "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
    "OriginGroups": NONE,
    "PriceClass": "PriceClass_All",
    "Restrictions": {"GeoRestriction": {"RestrictionType": "none", **NONE}},
    "Staging": False,
    "ViewerCertificate": {
        "CloudFrontDefaultCertificate": True,
        "MinimumProtocolVersion": "TLSv1",
        "CertificateSource": "cloudfront",
    },
    "WebACLId": "",
}
ORIGIN = {
    "ConnectionAttempts": 3,
    "ConnectionTimeout": 10,
    "CustomHeaders": NONE,
    "OriginAccessControlId": "",
    "OriginPath": "",
    "OriginShield": {"Enabled": False},
}
BEHAVIOR = {
    "AllowedMethods": {**METHODS, "CachedMethods": METHODS},
    "Compress": False,
    "FieldLevelEncryptionId": "",
    "FunctionAssociations": NONE,
    "LambdaFunctionAssociations": NONE,
    "SmoothStreaming": False,
    "TrustedKeyGroups": {"Enabled": False, **NONE},
    "TrustedSigners": {"Enabled": False, **NONE},
}


@repair(DistributionConfig, "__init__")
def keep_config(self: DistributionConfig, config: dict[str, Any]) -> None:
    """Raises OriginDoesNotExist for a behaviour whose origin is missing."""
    full = _complete(CONFIG, config)
    full["Origins"]["Items"] = [_complete(ORIGIN, origin) for origin in full["Origins"]["Items"]]
    full["DefaultCacheBehavior"] = _complete(BEHAVIOR, full["DefaultCacheBehavior"])
    behaviors = [_complete(BEHAVIOR, one) for one in full["CacheBehaviors"].get("Items") or []]
    if behaviors:
        full["CacheBehaviors"] = {"Quantity": len(behaviors), "Items": behaviors}
    origins = {origin["Id"] for origin in full["Origins"]["Items"]}
    for behavior in (full["DefaultCacheBehavior"], *behaviors):
        if behavior["TargetOriginId"] not in origins:
            raise OriginDoesNotExist
    self.__dict__.update(full)
    self.caller_reference = full["CallerReference"]


def _complete(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in given.items() if value is not None}
    return copy.deepcopy({**defaults, **kept})


@repair(CloudFrontBackend, "update_distribution")
def update_distribution(
    self: CloudFrontBackend, dist_config: dict[str, Any], _id: str, if_match: bool
) -> tuple[Distribution, str, str]:
    """Each change gives a new ETag."""
    distribution, location, _ = update_distribution.stock(  # type: ignore[attr-defined]
        self, dist_config, _id, if_match
    )
    distribution.etag = random_id()
    return distribution, location, distribution.etag
