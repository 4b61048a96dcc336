"""Which models exist here: those of the plan file, and the embedding model."""

import re
from dataclasses import dataclass
from functools import lru_cache

from localcloud.bedrock.errors import invalid
from saas.plans import catalogue

EMBEDDING_MODEL = "amazon.titan-embed-text-v2:0"
_ARN = re.compile(
    r"arn:aws:bedrock:[a-z0-9-]+:(?:[0-9]{12}:inference-profile|:foundation-model)/(?P<id>[A-Za-z0-9.:-]+)"
)
_GEOGRAPHY = re.compile(r"^(us|eu|apac|global)\.")


@dataclass(frozen=True)
class ChatModel:
    """A text model: its id, limits in tokens, and what a client may combine."""

    id: str
    context_tokens: int
    max_output_tokens: int
    temperature_excludes_top_p: bool


@lru_cache(maxsize=1)
def _chat_models() -> dict[str, ChatModel]:
    known = {}
    for model in catalogue().models.values():
        claude = "anthropic." in model.id
        known[model.id] = ChatModel(
            model.id,
            context_tokens=200_000 if claude else 300_000,
            max_output_tokens=64_000 if claude else 10_000,
            temperature_excludes_top_p=claude,
        )
    return known


def chat_model(model_id: str) -> ChatModel:
    """The model of an id, an inference profile's id, or the ARN of either.

    Raises:
        BedrockError: unknown, not offered on demand, or no text model.
    """
    name = _plain_id(model_id)
    known = _chat_models()
    if name in known:
        return known[name]
    if name == EMBEDDING_MODEL:
        raise invalid(
            "This action doesn't support the model that you provided. "
            "Try again with a supported text or chat model."
        )
    for profile, model in known.items():
        if _GEOGRAPHY.sub("", profile) == name:
            if name.startswith("amazon."):
                return model
            raise invalid(
                f"Invocation of model ID {name} with on-demand throughput isn’t supported. Retry "
                "your request with the ID or ARN of an inference profile that contains this model."
            )
    raise _unknown()


def require_embedding_model(model_id: str) -> None:
    """Raises BedrockError unless `model_id` is the embedding model or its ARN."""
    name = _plain_id(model_id)
    if name == EMBEDDING_MODEL:
        return
    chat_model(name)
    raise invalid(
        "Local Bedrock offers InvokeModel for embeddings only; use Converse for this model."
    )


def _plain_id(model_id: str) -> str:
    if not model_id.startswith("arn:"):
        return model_id
    matched = _ARN.fullmatch(model_id)
    if not matched:
        raise _unknown()
    return matched["id"]


def _unknown() -> Exception:
    return invalid("The provided model identifier is invalid.")
