"""Secret values in the account, by name. They never appear in arguments, output, logs or plans.

A name that begins with `/` is an SSM parameter, any other one lies in Secrets Manager, as the
functions see it (`saas.secrets`). Terraform creates each with the value `unset`.
"""

import json
from collections.abc import Mapping

from operations.account import Account, code, translated
from operations.environments import Environment
from operations.errors import OperationError
from saas.secret_entries import UNSET, usable

SESSION, STRIPE_KEY, WEBHOOK = "session-secrets", "stripe-secret-key", "stripe-webhook-secrets"
KINDS = (SESSION, STRIPE_KEY, WEBHOOK)
_ABSENT = {"ParameterNotFound", "ResourceNotFoundException"}


class Missing(OperationError):
    """There is no secret of that name; Terraform makes it."""


def names(environment: Environment, outputs: Mapping[str, object] | None = None) -> dict[str, str]:
    """Name of each kind: what the stack's output `secret_names` says, else the default place."""
    said = (outputs or {}).get("secret_names")
    if isinstance(said, dict):
        return {str(kind): str(name) for kind, name in said.items()}
    return {kind: f"/{environment.project}/{environment.name}/{kind}" for kind in KINDS}


def read(account: Account, name: str) -> str | None:
    """The value; None when it was never set.

    Raises:
        Missing: there is no such secret.
        OperationError: AWS refuses to show it.
    """
    from botocore.exceptions import ClientError

    with translated(f"read the secret {name}"):
        try:
            value = _read(account, name)
        except ClientError as error:
            if code(error) in _ABSENT:
                raise _missing(name) from error
            raise
    return None if _is_unset(value) else value


def write(account: Account, name: str, value: str) -> None:
    """Put a value in place of the present one; what kind of secret it is stays as it was created.

    Raises:
        Missing: there is no such secret.
        OperationError: the value is empty, or AWS refuses.
    """
    if _is_unset(value):
        raise OperationError(f"An empty value was not written to {name}.")
    from botocore.exceptions import ClientError

    with translated(f"write the secret {name}"):
        try:
            _write(account, name, value)
        except ClientError as error:
            if code(error) in _ABSENT:
                raise _missing(name) from error
            raise


def read_list(account: Account, name: str) -> list[str]:
    """Values valid at the same time, newest first, as the functions see them: without entries that
    must not open or sign anything.
    """
    value = read(account, name)
    return [] if value is None else usable(value, local=False)


def put_first(account: Account, name: str, value: str, keep: int = 2) -> None:
    """Put a value in front of a list and drop all but the newest `keep`, without doubles."""
    held = [each for each in read_list(account, name) if each != value]
    write(account, name, json.dumps([value, *held][:keep]))


def _is_unset(value: str) -> bool:
    return value.strip().lower() in ("", UNSET)


def _read(account: Account, name: str) -> str:
    if name.startswith("/"):
        found = account.client("ssm").get_parameter(Name=name, WithDecryption=True)
        return str(found["Parameter"]["Value"])
    return str(account.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])


def _write(account: Account, name: str, value: str) -> None:
    if name.startswith("/"):
        client = account.client("ssm")
        named = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
        found = client.describe_parameters(ParameterFilters=named)["Parameters"]
        if not found:
            raise _missing(name)
        # Without naming its key again, the default key would take its place ("PutParameter").
        client.put_parameter(
            Name=name,
            Value=value,
            Type="SecureString",
            KeyId=found[0].get("KeyId", "alias/aws/ssm"),
            Overwrite=True,
        )
        return
    account.client("secretsmanager").put_secret_value(SecretId=name, SecretString=value)


def _missing(name: str) -> Missing:
    return Missing(f"The secret {name} does not exist. Deploy first: make deploy ENV=…")
