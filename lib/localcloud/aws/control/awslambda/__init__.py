"""Lambda repairs: settings that moto drops, versions that never change, what an alias has itself."""

from localcloud.aws.control.awslambda import (  # noqa: F401 - repairs
    configuration,
    images,
    permissions,
    versions,
)
from localcloud.aws.control.awslambda.invocation import PATHS

__all__ = ["PATHS"]
