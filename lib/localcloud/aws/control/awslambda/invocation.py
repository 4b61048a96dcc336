"""How an alias or version is invoked: failed events, its own address, warm capacity.

Lambda API Reference: EventInvokeConfig, FunctionUrlConfig, ProvisionedConcurrencyConfig.
"""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from moto.awslambda.exceptions import (
    GenericResourcNotFound,
    InvalidParameterValueException,
    LambdaClientError,
    UnknownEventConfig,
)
from moto.awslambda.models import EventInvokeConfig
from moto.awslambda.responses import LambdaResponse
from moto.core.responses import TYPE_RESPONSE

from localcloud.aws.control.awslambda.qualifiers import LATEST, Target, owned, target
from localcloud.aws.repair import added, repair


class NothingProvisionedError(LambdaClientError):  # type: ignore[misc]  # moto has no types
    """No capacity was asked for."""

    code = 404

    def __init__(self) -> None:
        super().__init__(
            "ProvisionedConcurrencyConfigNotFoundException",
            "No Provisioned Concurrency Config found for this function",
        )


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime())


def _json(status: int, body: dict[str, Any]) -> TYPE_RESPONSE:
    return status, {"status": status, "Content-Type": "application/json"}, json.dumps(body)


NO_CONTENT: TYPE_RESPONSE = (204, {"status": 204}, "")


# Failed events


@repair(LambdaResponse, "put_function_event_invoke_config")
def put_invoke_config(self: LambdaResponse) -> TYPE_RESPONSE:
    """PutFunctionEventInvokeConfig replaces everything; stock moto goes on answering the first."""
    return _set_invoke_config(target(self), self.json_body)


@repair(LambdaResponse, "update_function_event_invoke_config")
def update_invoke_config(self: LambdaResponse) -> TYPE_RESPONSE:
    """UpdateFunctionEventInvokeConfig changes what it is given."""
    place = target(self)
    return _set_invoke_config(place, {**_invoke_config(place).config, **self.json_body})


@repair(LambdaResponse, "get_function_event_invoke_config")
def get_invoke_config(self: LambdaResponse) -> TYPE_RESPONSE:
    return _json(200, _invoke_config(target(self)).response())


@repair(LambdaResponse, "delete_function_event_invoke_config")
def delete_invoke_config(self: LambdaResponse) -> TYPE_RESPONSE:
    place = target(self)
    _invoke_config(place)
    place.own.invoke = None
    return NO_CONTENT


@repair(LambdaResponse, "list_function_event_invoke_configs")
def list_invoke_configs(self: LambdaResponse) -> TYPE_RESPONSE:
    configs = [own.invoke.response() for own in owned(target(self).latest).values() if own.invoke]
    return _json(200, {"FunctionEventInvokeConfigs": configs})


def _set_invoke_config(place: Target, config: dict[str, Any]) -> TYPE_RESPONSE:
    place.own.invoke = EventInvokeConfig(place.qualified_arn, int(time.time()), config)
    return _json(200, place.own.invoke.response())


def _invoke_config(place: Target) -> EventInvokeConfig:
    if place.own.invoke is None:
        raise UnknownEventConfig(place.qualified_arn)
    return place.own.invoke


# Addresses


@repair(LambdaResponse, "create_function_url_config")
def create_url(self: LambdaResponse) -> TYPE_RESPONSE:
    place, now = target(self), _now()
    place.own.url = {
        "FunctionUrl": f"https://{uuid.uuid4().hex}.lambda-url.{self.region}.on.aws/",
        "FunctionArn": place.arn,
        "InvokeMode": "BUFFERED",
        "CreationTime": now,
        "LastModifiedTime": now,
        **self.json_body,
    }
    return _json(201, place.own.url)


@repair(LambdaResponse, "get_function_url_config")
def get_url(self: LambdaResponse) -> TYPE_RESPONSE:
    return _json(200, _url(target(self)))


@repair(LambdaResponse, "update_function_url_config")
def update_url(self: LambdaResponse) -> TYPE_RESPONSE:
    url = _url(target(self))
    url |= {**self.json_body, "LastModifiedTime": _now()}
    return _json(200, url)


@repair(LambdaResponse, "delete_function_url_config")
def delete_url(self: LambdaResponse) -> TYPE_RESPONSE:
    place = target(self)
    _url(place)
    place.own.url = None
    return NO_CONTENT


def _url(place: Target) -> dict[str, Any]:
    if place.own.url is None:
        raise GenericResourcNotFound()
    return place.own.url


# Warm capacity


@added(LambdaResponse)
def put_provisioned_concurrency_config(self: LambdaResponse) -> TYPE_RESPONSE:
    """PutProvisionedConcurrencyConfig: capacity is there at once."""
    place = target(self)
    if place.qualifier == LATEST:
        raise InvalidParameterValueException(
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
        )
    wanted = self.json_body["ProvisionedConcurrentExecutions"]
    place.own.provisioned = {
        "RequestedProvisionedConcurrentExecutions": wanted,
        "AvailableProvisionedConcurrentExecutions": wanted,
        "AllocatedProvisionedConcurrentExecutions": wanted,
        "Status": "READY",
        "LastModified": _now(),
    }
    return _json(202, place.own.provisioned)


@added(LambdaResponse)
def get_provisioned_concurrency_config(self: LambdaResponse) -> TYPE_RESPONSE:
    return _json(200, _provisioned(target(self)))


@added(LambdaResponse)
def delete_provisioned_concurrency_config(self: LambdaResponse) -> TYPE_RESPONSE:
    place = target(self)
    _provisioned(place)
    place.own.provisioned = None
    return NO_CONTENT


@added(LambdaResponse)
def list_provisioned_concurrency_configs(self: LambdaResponse) -> TYPE_RESPONSE:
    latest = target(self).latest
    configs = [
        {"FunctionArn": f"{latest.function_arn}:{qualifier}", **own.provisioned}
        for qualifier, own in owned(latest).items()
        if own.provisioned
    ]
    return _json(200, {"ProvisionedConcurrencyConfigs": configs})


def _provisioned(place: Target) -> dict[str, Any]:
    if place.own.provisioned is None:
        raise NothingProvisionedError()
    return place.own.provisioned


PATHS: dict[str, Callable[..., Any]] = {
    r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)/provisioned-concurrency$": (
        LambdaResponse.dispatch
    )
}
