"""Container images of functions: found in the registry by their whole name, and by digest.

Stock moto looks for the last part of a repository's name only, and reads a digest as a tag.
"""

import json
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaFunction
from moto.core.exceptions import ServiceException
from moto.ecr.models import ecr_backends
from moto.settings import lambda_stub_ecr
from werkzeug.exceptions import HTTPException

from localcloud.aws.repair import repair

SINGLE_PLATFORM = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
    }
)


@repair(LambdaFunction, "_set_function_code")
def set_function_code(self: LambdaFunction, updated_spec: dict[str, Any]) -> None:
    """An image must exist, unless `MOTO_LAMBDA_STUB_ECR` says otherwise; a digest is its hash.

    Raises InvalidParameterValueException as Lambda does for an image it cannot use.
    """
    uri = updated_spec.get("ImageUri")
    if uri is None:
        set_function_code.stock(self, updated_spec)  # type: ignore[attr-defined]
        return
    name, _, digest = uri.partition("@sha256:")
    if lambda_stub_ecr():
        if not digest:
            set_function_code.stock(self, updated_spec)  # type: ignore[attr-defined]
            return
    else:
        digest = _digest_in_registry(self.region, uri)
    if updated_spec.get("DryRun"):
        return
    if self.code is not updated_spec:
        self.code["ImageUri"] = uri
    self.code_sha_256, self.code_size = digest, 0


def _digest_in_registry(region: str, uri: str) -> str:
    """The hex digest of an image of local ECR; multi-platform indexes are no images of a function.

    "Create a Lambda function using a container image": Lambda supports single-platform images only.
    """
    name, _, digest = uri.partition("@")
    host, _, repository = name.partition("/")
    repository, _, tag = repository.partition(":")
    wanted = {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}
    account = host.partition(".")[0]
    images = []
    if host == f"{account}.dkr.ecr.{region}.amazonaws.com":
        try:
            found = ecr_backends[account][region].batch_get_image(repository, None, [wanted])
            images = found["images"]
        except (ServiceException, HTTPException):
            images = []
    if not images:
        raise InvalidParameterValueException(
            f"Source image {uri} does not exist. Provide a valid source image."
        )
    manifest = json.loads(images[0].image_manifest)
    kind = manifest.get("mediaType") or images[0].image_manifest_media_type
    if kind not in SINGLE_PLATFORM:
        raise InvalidParameterValueException(
            f"The image manifest, config or layer media type for the source image {uri} is not "
            "supported."
        )
    return str(images[0].image_id["imageDigest"]).removeprefix("sha256:")


@repair(LambdaFunction, "get_code")
def get_code(self: LambdaFunction) -> dict[str, Any]:
    """An image's address with its digest; stock moto doubles the digest."""
    answer: dict[str, Any] = get_code.stock(self)  # type: ignore[attr-defined]
    if uri := self.code.get("ImageUri"):
        host, slash, repository = uri.partition("@")[0].partition("/")
        name = f"{host}{slash}{repository.partition(':')[0]}"
        answer["Code"]["ResolvedImageUri"] = f"{name}@sha256:{self.code_sha_256}"
    return answer
