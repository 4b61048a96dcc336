"""Whether a caller may use a model: local AWS, which knows the roles, is asked.

After "Actions, resources, and condition keys for Amazon Bedrock" and "IAM policy requirements for
Geographic cross-Region inference" of the Bedrock user guide: with an inference profile, the action
is needed on the profile and on its model in the source and in every destination region.
"""

import re
from collections.abc import Mapping
from typing import Any

import aiohttp

from localcloud.bedrock.errors import BedrockError
from localcloud.config import StackConfig

# Where a profile hands calls on to, by its prefix, when it is called in a region of the group.
DESTINATIONS = {"us": ("us-east-1", "us-east-2", "us-west-2")}
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/[0-9]+/(?P<region>[^/]+)/")
_PROFILE_ARN = re.compile(r"arn:aws:bedrock:[^:]+:[0-9]{12}:inference-profile/(.+)")
_MODEL_ARN = re.compile(r"arn:aws:bedrock:[^:]+::foundation-model/(.+)")


class Permissions:
    """Asks local AWS; the stack's own key may do anything without being asked about."""

    def __init__(self, config: StackConfig) -> None:
        self._config = config

    async def require(self, headers: Mapping[str, str], action: str, model_id: str) -> None:
        """Raises BedrockError when the signer's policies do not allow the action on the model."""
        credential = _CREDENTIAL.search(headers["Authorization"])
        if credential is None or credential["key"] == self._config.access_key_id:
            return
        question = {
            "access_key_id": credential["key"],
            "session_token": headers.get("X-Amz-Security-Token"),
            "needed": needed(action, model_id, credential["region"], self._config.account_id),
        }
        answer = await self._ask(question)
        if not answer["allowed"]:
            raise BedrockError(answer["code"], answer["message"])

    async def _ask(self, question: dict[str, Any]) -> Any:
        url = f"{self._config.aws_url}/_local/authorise"
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(url, json=question) as asked,
            ):
                asked.raise_for_status()
                return await asked.json()
        except aiohttp.ClientError as error:
            raise BedrockError(
                "ServiceUnavailableException",
                f"Local AWS, which knows who may use models, cannot be asked: {error}",
            ) from error


def needed(action: str, model_id: str, region: str, account_id: str) -> list[dict[str, Any]]:
    """Actions on ARNs, with their condition keys, for a model's or a profile's id or ARN."""
    if found := _MODEL_ARN.fullmatch(model_id):
        model_id = found[1]
    if found := _PROFILE_ARN.fullmatch(model_id):
        model_id = found[1]
    group, _, model = model_id.partition(".")
    here = {"aws:RequestedRegion": [region]}
    if group not in DESTINATIONS:
        arn = f"arn:aws:bedrock:{region}::foundation-model/{model_id}"
        return [{"action": action, "resource": arn, "context": here}]
    profile = f"arn:aws:bedrock:{region}:{account_id}:inference-profile/{model_id}"
    regions = dict.fromkeys((region, *DESTINATIONS[group]))
    return [{"action": action, "resource": profile, "context": here}] + [
        {
            "action": action,
            "resource": f"arn:aws:bedrock:{each}::foundation-model/{model}",
            "context": {"aws:RequestedRegion": [each], "bedrock:InferenceProfileArn": [profile]},
        }
        for each in regions
    ]
