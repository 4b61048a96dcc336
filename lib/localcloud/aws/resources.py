"""A list of everything that somebody has created in local AWS, of any service, tagged or not.

`GET /_local/resources` answers it, so that a test can say what `terraform destroy` left behind.
Moto's backends keep what they hold in dictionaries; whatever stands there and not in a fresh
backend has been created. `INSIDE` names what lies deeper.
"""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from moto.core.base_backend import BackendDict

from localcloud.aws.routing import LOCKS

# What backends note for themselves: messages, sessions, caches, page tokens, measurements.
NOTES = frozenset(
    {
        "_idempotency_tokens",
        "_message_public_keys",
        "_resource_tags",
        "delegation_sets",
        "invalidations",
        "next_tokens",
        "paged_metric_data",
        "_pagination_tokens",
        "queries",
        "resource_tags",
        "sessions",
        "sms_messages",
        "sms_message_objects",
    }
)
Found = Iterable[tuple[str, str]]


def listing() -> dict[str, Any]:
    """`{"count", "resources": {"<service>/<type>": [ids]}}`, without what AWS itself provides.

    A KMS key or secret that only waits for its deletion is not listed.
    """
    resources: dict[str, set[str]] = {}
    for backends in list(BackendDict._instances):
        with LOCKS.of(backends.service_name):
            for account in list(backends.values()):
                for backend in list(account.values()):
                    for kind, name in _created(backends.service_name, backend):
                        resources.setdefault(f"{backends.service_name}/{kind}", set()).add(name)
    return {
        "count": sum(map(len, resources.values())),
        "resources": {kind: sorted(resources[kind]) for kind in sorted(resources)},
    }


def _created(service: str, backend: Any) -> Iterator[tuple[str, str]]:
    yield from INSIDE.get(service, lambda _backend: ())(backend)
    kind_of_backend: Any = type(backend)
    given = _given(kind_of_backend, backend.region_name, backend.account_id)
    own = OWN.get(service, frozenset())
    for kind, held in _dictionaries(backend):
        if kind not in NOTES and kind not in own:
            names = dict.keys(held) - given.get(kind, frozenset())
            yield from ((kind.lstrip("_"), str(name)) for name in names)


def _dictionaries(backend: Any) -> list[tuple[str, dict[Any, Any]]]:
    return [(kind, held) for kind, held in vars(backend).items() if isinstance(held, dict)]


@functools.cache
def _given(kind: Any, region: str, account_id: str) -> dict[str, frozenset[Any]]:
    """What a backend holds before anybody has used it, such as AWS's own policies."""
    fresh = _dictionaries(kind(region, account_id))
    return {name: frozenset(dict.keys(held)) for name, held in fresh}


def _functions(backend: Any) -> Found:
    for name, group in backend._lambdas._functions.items():
        yield "functions", name
        for version in group["versions"]:
            yield "versions", f"{name}:{version.version}"
        for qualifier, own in vars(group["latest"]).get("owned", {}).items():
            for statement in own.statements:
                yield "permissions", f"{name}:{qualifier}/{statement['Sid']}"
    for aliases in backend._lambdas._aliases.values():
        yield from (("aliases", alias.arn.partition(":function:")[2]) for alias in aliases.values())


def _apis(backend: Any) -> Found:
    for api in backend.apis.values():
        for kind in ("authorizers", "integrations", "routes", "stages"):
            yield from ((kind, f"{api.api_id}/{name}") for name in getattr(api, kind))


def _pools(backend: Any) -> Found:
    for pool in backend.user_pools.values():
        for kind in ("clients", "groups", "identity_providers", "resource_servers", "users"):
            yield from ((kind, f"{pool.id}/{name}") for name in getattr(pool, kind))


def _keys(backend: Any) -> Found:
    for key in backend.keys.values():
        aliases = [str(name) for name in key.aliases]
        if any(name.startswith("alias/aws/") for name in aliases):
            continue
        if key.key_state != "PendingDeletion":
            yield "keys", key.id
        yield from (("aliases", name) for name in aliases)


def _secrets(backend: Any) -> Found:
    kept = [secret for secret in dict.values(backend.secrets) if not secret.is_deleted()]
    return (("secrets", secret.name) for secret in kept)


def _roles(backend: Any) -> Found:
    for role in backend.roles.values():
        yield "roles", role.name
        yield from (("role_policies", f"{role.name}/{name}") for name in role.policies)
        yield from (("role_attachments", f"{role.name}/{arn}") for arn in role.managed_policies)


def _records(backend: Any) -> Found:
    for zone in backend.zones.values():
        for record in zone.rrsets:
            if record.type not in ("NS", "SOA"):
                yield "records", f"{record.name}/{record.type}"


def _rules(backend: Any) -> Found:
    for bus in backend.event_buses.values():
        for rule in bus.rules.values():
            yield "rules", f"{bus.name}/{rule.name}"
            yield from (("targets", f"{rule.name}/{target['Id']}") for target in rule.targets)


def _schedules(backend: Any) -> Found:
    for group in backend.schedule_groups.values():
        yield from (("schedules", f"{group.name}/{name}") for name in group.schedules)


def _buckets(backend: Any) -> Found:
    """Objects that can be read, not the marks that deleted ones leave in a versioned bucket."""
    from moto.s3.models import FakeKey

    for bucket in backend.buckets.values():
        for key, newest in bucket.keys.items():
            if isinstance(newest, FakeKey):
                yield "objects", f"{bucket.name}/{key}"


def _images(backend: Any) -> Found:
    for repository in backend.repositories.values():
        for image in repository.images:
            yield "images", f"{repository.name}@{image.get_image_digest()}"


INSIDE: dict[str, Callable[[Any], Found]] = {
    "apigatewayv2": _apis,
    "budgets": lambda b: (("budgets", name) for held in b.budgets.values() for name in held),
    "cognito-idp": _pools,
    "ecr": _images,
    "events": _rules,
    "iam": _roles,
    "kms": _keys,
    "lambda": _functions,
    "logs": lambda b: (("filters", each["filterName"]) for each in b.filters.metric_filters),
    "route53": _records,
    "s3": _buckets,
    "scheduler": _schedules,
    "secretsmanager": _secrets,
    "ssm": lambda b: (("parameters", n) for n in dict.keys(b._parameters) if n[:5] != "/aws/"),
}

# Dictionaries whose content INSIDE tells better.
OWN = {
    "budgets": frozenset({"budgets"}),
    "ecr": frozenset({"registry_scanning_configuration", "replication_config"}),
    "iam": frozenset({"access_keys", "roles"}),
    "kms": frozenset({"keys"}),
    "secretsmanager": frozenset({"secrets"}),
    "ssm": frozenset({"_parameters"}),
}
