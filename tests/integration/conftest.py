"""Fixtures that all integration tests share."""

from tests.integration.aws_fixtures import aws

__all__ = ["aws"]
