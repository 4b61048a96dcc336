"""Container images of functions: found in the registry by their whole name, and by digest.

Stock moto looks for the last part of a repository's name only, and reads a digest as a tag.
"""

import hashlib
import json
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaFunction
from moto.ecr.models import Repository, ecr_backends
from moto.settings import lambda_stub_ecr

from localcloud.aws.repair import repair

SINGLE_PLATFORM = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
    }
)


@repair(LambdaFunction, "_set_function_code")
def set_function_code(self: LambdaFunction, updated_spec: dict[str, Any]) -> None:
    """The image must be in local ECR, if its repository is there or moto is told to look.

    Without `MOTO_LAMBDA_STUB_ECR=false`, an image of a repository that nobody has made in local
    ECR is taken as it is. Raises InvalidParameterValueException as Lambda does.
    """
    uri = updated_spec.get("ImageUri")
    if uri is None:
        set_function_code.stock(self, updated_spec)  # type: ignore[attr-defined]
        return
    image = _Uri(uri)
    if image.repository(self.region) or not lambda_stub_ecr():
        digest = image.digest_in_registry(self.region)
    else:
        digest = image.digest or f"sha256:{hashlib.sha256(uri.encode()).hexdigest()}"
    if updated_spec.get("DryRun"):
        return
    if self.code is not updated_spec:
        self.code["ImageUri"] = uri
    self.code_sha_256, self.code_size = digest.removeprefix("sha256:"), 0


class _Uri:
    """`<account>.dkr.ecr.<region>.amazonaws.com/<repository>[:<tag>][@<digest>]` in its parts."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        name, _, self.digest = uri.partition("@")
        self.host, _, path = name.partition("/")
        self.path, _, self.tag = path.partition(":")

    @property
    def name(self) -> str:
        """Without tag and digest."""
        return f"{self.host}/{self.path}"

    def repository(self, region: str) -> Repository | None:
        """The repository in local ECR, if it is one of the function's region."""
        account = self.host.partition(".")[0]
        if self.host != f"{account}.dkr.ecr.{region}.amazonaws.com":
            return None
        return ecr_backends[account][region].repositories.get(self.path)

    def digest_in_registry(self, region: str) -> str:
        """The digest of the image in local ECR.

        "Create a Lambda function using a container image": multi-platform images are no images of
        a function.
        """
        repository = self.repository(region)
        for image in repository.images if repository else []:
            digest: str = image.get_image_digest()
            if self.digest == digest or (not self.digest and self.tag in image.image_tags):
                kind = json.loads(image.image_manifest).get("mediaType")
                if (kind or image.image_manifest_media_type) in SINGLE_PLATFORM:
                    return digest
                raise InvalidParameterValueException(
                    "The image manifest, config or layer media type for the source image "
                    f"{self.uri} is not supported."
                )
        raise InvalidParameterValueException(
            f"Source image {self.uri} does not exist. Provide a valid source image."
        )


@repair(LambdaFunction, "get_code")
def get_code(self: LambdaFunction) -> dict[str, Any]:
    """An image's address with its digest; stock moto doubles the digest."""
    answer: dict[str, Any] = get_code.stock(self)  # type: ignore[attr-defined]
    if uri := self.code.get("ImageUri"):
        answer["Code"]["ResolvedImageUri"] = f"{_Uri(uri).name}@sha256:{self.code_sha_256}"
    return answer
