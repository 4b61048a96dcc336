"""Errors as Cognito gives them."""

from moto.core.exceptions import JsonRESTError


class CognitoError(JsonRESTError):  # type: ignore[misc]  # moto has no types
    """`error_type` is Cognito's exception name; the status is always 400."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(error_type=error_type, message=message)


def wrong_credentials() -> CognitoError:
    """The one answer to a wrong password and to an unknown user."""
    return CognitoError("NotAuthorizedException", "Incorrect username or password.")


def user_not_found() -> CognitoError:
    return CognitoError("UserNotFoundException", "User does not exist.")


def not_confirmed() -> CognitoError:
    return CognitoError("UserNotConfirmedException", "User is not confirmed.")


def invalid_parameter(message: str) -> CognitoError:
    return CognitoError("InvalidParameterException", message)


def not_authorized(message: str) -> CognitoError:
    return CognitoError("NotAuthorizedException", message)
