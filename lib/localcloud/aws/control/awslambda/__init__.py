"""Lambda repairs: settings are kept, versions never change, aliases have policies of their own."""

from localcloud.aws.control.awslambda import (  # noqa: F401 - repairs
    configuration,
    images,
    permissions,
    versions,
)
from localcloud.aws.control.awslambda.invocation import PATHS

__all__ = ["PATHS"]
