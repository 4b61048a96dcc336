"""Parameters, secrets, and the keys that encrypt them.

After "Actions, resources, and condition keys for AWS Systems Manager", "… for AWS Secrets Manager",
"… for AWS Key Management Service", and "AWS KMS encryption for SecureString parameters". The key
policies of `alias/aws/ssm` and `alias/aws/secretsmanager` let everybody in the account use them
through their service; a key of one's own needs `kms:Decrypt` besides.
"""

import base64
import sys
from typing import Any

from localcloud.aws.iam.call import Call
from localcloud.aws.iam.conditions import Context
from localcloud.aws.iam.policy import Access

_KEY_ID_LENGTH = 36


def ssm_accesses(call: Call) -> list[Access]:
    """GetParameter and its like; the other operations on one parameter need no key here."""
    body, operation = call.parameters, call.operation
    if operation == "GetParametersByPath":
        return [call.access(operation, _parameter_arn(call, body["Path"]))]
    if operation == "DescribeParameters":
        return [call.access(operation, call.arn("*"))]
    names = body["Names"] if "Names" in body else [body["Name"]] if "Name" in body else []
    if not names or not operation.endswith(("Parameter", "Parameters", "ParameterHistory")):
        raise call.unmapped()
    needed = [call.access(operation, _parameter_arn(call, name)) for name in names]
    if body.get("WithDecryption"):
        needed += [one for name in names for one in _decrypting_parameter(call, name)]
    return needed


def _parameter_arn(call: Call, name: str) -> str:
    """`parameter/a/b` for `/a/b` and for `a/b`; a version or label is no part of it."""
    if name.startswith("arn:"):
        return ":".join(name.split(":")[:6])
    return call.arn(f"parameter/{name.split(':', maxsplit=1)[0].lstrip('/')}")


def _decrypting_parameter(call: Call, name: str) -> list[Access]:
    models = sys.modules.get("moto.ssm.models")
    arn = _parameter_arn(call, name)
    if models is None:
        return []
    parameters = models.ssm_backends[call.account_id][call.region]._parameters
    path = arn.partition(":parameter")[2]
    versions = parameters.get(path) or parameters.get(path.removeprefix("/")) or []
    key = versions[-1].keyid if versions else None
    return _decrypting(call, key, {"kms:encryptioncontext:parameter_arn": (arn,)})


def secretsmanager_accesses(call: Call) -> list[Access]:
    body, operation = call.parameters, call.operation
    if "SecretId" not in body:
        raise call.unmapped()
    models = sys.modules.get("moto.secretsmanager.models")
    backend = models.secretsmanager_backends[call.account_id][call.region] if models else None
    secret = backend.secrets.get(body["SecretId"]) if backend else None
    given = str(body["SecretId"])
    named = given if given.startswith("arn:") else call.arn(f"secret:{given}")
    arn = str(secret.arn) if secret else named
    needed = [call.access(operation, arn)]
    if secret and operation == "GetSecretValue":
        context = {"kms:encryptioncontext:secretarn": (arn,)}
        needed += _decrypting(call, secret.kms_key_id, context)
    return needed


def kms_accesses(call: Call) -> list[Access]:
    """Direct use of a key: by id, ARN or alias, or by the key that a ciphertext names."""
    body, operation = call.parameters, call.operation
    key = body.get("KeyId")
    if key is None and operation == "Decrypt":
        # Moto's ciphertexts begin with the id of their key.
        key = base64.b64decode(body["CiphertextBlob"])[:_KEY_ID_LENGTH].decode("ascii", "replace")
    if key is None:
        raise call.unmapped()
    given: dict[str, str] = body.get("EncryptionContext") or {}
    context = {f"kms:encryptioncontext:{k.lower()}": (v,) for k, v in given.items()}
    return [call.access(operation, _key_arn(call, key), context)]


def _decrypting(call: Call, key: str | None, context: Context) -> list[Access]:
    """What reading something encrypted needs besides; nothing with a key of AWS's own."""
    if not key or "alias/aws/" in key:
        return []
    via = {"kms:viaservice": (f"{call.service}.{call.region}.amazonaws.com",)}
    via["aws:viaawsservice"] = ("true",)
    return [call.access("Decrypt", _key_arn(call, key), {**via, **context}, service="kms")]


def _key_arn(call: Call, key: str) -> str:
    """The key's own ARN, whatever it was called by; policies name no aliases."""
    models = sys.modules.get("moto.kms.models")
    backend: Any = models.kms_backends[call.account_id][call.region] if models else None
    name = key.partition(":alias/")[2]
    alias = f"alias/{name}" if name else key
    if backend and alias.startswith("alias/"):
        key = backend.get_key_id_from_alias(alias) or key
    return key if key.startswith("arn:") else call.arn(f"key/{key}", service="kms")
