"""Typed settings from the environment, which holds names of secrets, never their values."""

import os
from functools import lru_cache
from typing import Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from saas.errors import Misconfigured


class Settings(BaseModel):
    """What any function may need; each function's environment sets only its own part.

    A setting that a function uses and lacks is an error of its deployment: `require` names it.
    Plain pydantic: pydantic-settings would add half of pydantic's own import time to a cold start.
    """

    model_config = ConfigDict(frozen=True)

    app_env: Literal["local", "dev", "staging", "prod"]
    app_version: str = "0.0.0"
    image_digest: str = ""
    table_name: str
    allowed_origins: tuple[str, ...] = ()
    session_cookie_names: tuple[str, ...] = ()
    session_secret_name: str = ""
    cognito_issuer: str = ""
    cognito_client_id: str = ""
    site_url: str = ""
    checkout_return_path: str = "/dashboard?session_id={CHECKOUT_SESSION_ID}"
    stripe_api_base: str = "https://api.stripe.com"
    stripe_secret_name: str = ""
    stripe_webhook_secret_name: str = ""
    price_keys: tuple[str, ...] = ()
    uploads_bucket: str = ""

    @field_validator("allowed_origins", "session_cookie_names", "price_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _refuse_unsafe(self) -> Self:
        """Deployed environments take exactly one cookie, which only https can set.

        Only `__Host-` keeps a sibling subdomain from setting it, too: a `__Secure-` cookie may
        come from any https site below the same domain (RFC 6265bis, "Cookie name prefixes").
        """
        if self.app_env == "local" or not self.session_cookie_names:
            return self
        if len(self.session_cookie_names) != 1:
            raise ValueError(
                "SESSION_COOKIE_NAMES must name exactly one cookie outside local development"
            )
        if not self.session_cookie_names[0].startswith(("__Host-", "__Secure-")):
            raise ValueError(
                "SESSION_COOKIE_NAMES must begin with __Host- or __Secure- unless APP_ENV is local"
            )
        return self

    @classmethod
    def read(cls) -> Self:
        """The settings as the environment has them.

        Raises:
            Misconfigured: a variable is missing or has an unsafe value; each is named.
        """
        found = {name: os.environ.get(name.upper()) for name in cls.model_fields}
        try:
            return cls.model_validate({name: value for name, value in found.items() if value})
        except ValidationError as error:
            wrong = [f"{'.'.join(map(str, e['loc'])).upper()} {e['msg']}" for e in error.errors()]
            raise Misconfigured("; ".join(wrong).strip()) from None

    def require(self, name: str) -> str:
        """The value of a setting that must not be empty here.

        Raises:
            Misconfigured: the environment lacks it; the message names the variable.
        """
        value = str(getattr(self, name))
        if not value:
            raise Misconfigured(
                f"The environment variable {name.upper()} is missing for this function"
            )
        return value


class AwsEnvironment(BaseModel):
    """What Lambda itself sets for AWS clients: region, credentials, and endpoints if redirected."""

    model_config = ConfigDict(frozen=True)

    region: str
    access_key_id: str
    secret_access_key: str = Field(repr=False)
    session_token: str = Field(default="", repr=False)
    ca_bundle: str = ""
    endpoints: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def read(cls) -> Self:
        """The SDKs' own variables.

        Raises:
            pydantic.ValidationError: region or credentials are missing.
        """
        prefix = "AWS_ENDPOINT_URL"
        endpoints = {
            name.removeprefix(prefix).lstrip("_").lower().replace("_", "-"): value
            for name, value in os.environ.items()
            if name.startswith(prefix) and value
        }
        found = {
            "region": os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
            "access_key_id": os.environ.get("AWS_ACCESS_KEY_ID"),
            "secret_access_key": os.environ.get("AWS_SECRET_ACCESS_KEY"),
            "session_token": os.environ.get("AWS_SESSION_TOKEN"),
            "ca_bundle": os.environ.get("AWS_CA_BUNDLE"),
        }
        found = {name: value for name, value in found.items() if value}
        return cls.model_validate({**found, "endpoints": endpoints})

    def endpoint(self, service: str) -> str:
        """Base URL of a service: redirected by `AWS_ENDPOINT_URL[_<SERVICE>]`, else AWS's own."""
        domain = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        return self.redirected(service) or f"https://{service}.{self.region}.{domain}"

    def redirected(self, service: str) -> str:
        """Base URL that `AWS_ENDPOINT_URL[_<SERVICE>]` set for a service, empty without one."""
        return self.endpoints.get(service) or self.endpoints.get("") or ""


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once, at the first call."""
    return Settings.read()


@lru_cache(maxsize=1)
def aws_environment() -> AwsEnvironment:
    """Region, credentials and endpoints of this process, read once."""
    return AwsEnvironment.read()
