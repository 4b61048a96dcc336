"""Typed settings from the environment, which holds names of secrets, never their values."""

from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """What any function may need; each function's environment sets only its own part.

    A setting that a function uses and lacks is an error of its deployment: `require` names it.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    app_env: Literal["local", "dev", "staging", "prod"]
    app_version: str = "0.0.0"
    image_digest: str = ""
    table_name: str
    allowed_origins: CommaSeparated = ()
    session_cookie_names: CommaSeparated = ()
    session_secret_name: str = ""
    cognito_issuer: str = ""
    cognito_client_id: str = ""
    site_url: str = ""
    checkout_return_path: str = "/dashboard?session_id={CHECKOUT_SESSION_ID}"
    stripe_api_base: str = "https://api.stripe.com"
    stripe_secret_name: str = ""
    stripe_webhook_secret_name: str = ""
    uploads_bucket: str = ""
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @field_validator("allowed_origins", "session_cookie_names", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _refuse_unsafe(self) -> Self:
        """Deployed environments take exactly one cookie, which no sibling subdomain can plant."""
        if self.app_env == "local" or not self.session_cookie_names:
            return self
        if len(self.session_cookie_names) != 1:
            raise ValueError(
                "SESSION_COOKIE_NAMES must name exactly one cookie outside local development"
            )
        if not self.session_cookie_names[0].startswith("__Secure-"):
            raise ValueError(
                "SESSION_COOKIE_NAMES must carry the __Secure- prefix outside local development"
            )
        return self

    def require(self, name: str) -> str:
        """The value of a setting that must not be empty here.

        Raises:
            RuntimeError: the environment lacks it; the message names the variable.
        """
        value = str(getattr(self, name))
        if not value:
            raise RuntimeError(
                f"The environment variable {name.upper()} is missing for this function"
            )
        return value


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once, at the first call.

    Raises:
        pydantic.ValidationError: a variable is missing or has an unsafe value.
    """
    return Settings()
