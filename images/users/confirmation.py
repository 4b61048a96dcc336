"""Cognito's post-confirmation trigger: the user record exists before the first request."""

from typing import Any

from saas import accounts, credential, observability
from saas.auth import Identity
from saas.errors import Forbidden
from saas.observability import logger


def post_confirmation(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Create the user of a confirmed sign-up; answers the event, as Cognito demands.

    Source of the event's shape: Amazon Cognito developer guide, "Post confirmation Lambda trigger".
    A tombstoned user stays out, which is no failure of the sign-up.
    """
    observability.begin(None, function_request_id=context.aws_request_id)
    if event["triggerSource"] != "PostConfirmation_ConfirmSignUp":
        return event
    attributes = event["request"]["userAttributes"]
    try:
        identity = Identity(
            user_id=credential.user_id(attributes.get("sub")),
            email=credential.verified_email(attributes),
            name=credential.name(attributes.get("name")),
            source="bearer",
        )
    except ValueError as error:
        logger.warning("a sign-up without a user id", extra={"reason": str(error)})
        return event
    try:
        accounts.ensure(identity, None)
    except Forbidden:
        logger.warning("a disabled account confirmed a sign-up")
    else:
        logger.info("user created", extra={"user_id": identity.user_id})
    return event
