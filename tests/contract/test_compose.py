"""`docker-compose.yml` against `images/functions.json` and the variables of the launcher."""

import re
import tomllib
from collections.abc import Iterable
from typing import Any

import pytest
import yaml

from localcloud import containers
from localcloud.config import ROOT, functions
from localcloud.functions.manifest import environment_table
from tests.integration.aws_fixtures import shared

PORT, PROJECT = "8123", "groundwork"
LAMBDAS_OWN = {
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_TIMEOUT",
    "WORKER_TIMEOUT",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_LOG_FORMAT",
    "AWS_EXECUTION_ENV",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_SDK_ENABLED",
    "POWERTOOLS_TRACE_DISABLED",
}
OWN_SERVICES = {"loopback", "localcloud", "gateway"}
HARDENED = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
NAMES = list(functions())


def interpolated(text: str, values: dict[str, str]) -> str:
    """Compose's `${NAME}`, `${NAME:-default}` and `${NAME:+alternative}`."""

    def chosen(match: re.Match[str]) -> str:
        name, operator, word = match.groups()
        value = values.get(name, "")
        return (word if value else "") if operator == ":+" else value or word or ""

    return re.sub(r"\$\{(\w+)(?:(:[-+])([^}]*))?\}", chosen, text)


def document(**values: str) -> dict[str, Any]:
    text = (ROOT / "docker-compose.yml").read_text()
    known = {"PORT": PORT, "COMPOSE_PROJECT_NAME": PROJECT, **values}
    loaded: dict[str, Any] = yaml.safe_load(interpolated(text, known))
    return loaded


SERVICES: dict[str, dict[str, Any]] = document()["services"]
CONFIG = containers.container_config({"PORT": PORT})


def service(name: str) -> dict[str, Any]:
    assert name in SERVICES, f"docker-compose.yml lacks the function {name}"
    return SERVICES[name]


def test_every_function_is_a_service_and_nothing_else_is() -> None:
    assert set(SERVICES) - OWN_SERVICES == set(NAMES)
    assert set(CONFIG.service_names) == OWN_SERVICES


@pytest.mark.parametrize("name", NAMES)
def test_a_service_runs_what_the_manifest_names(name: str) -> None:
    spec, found = functions()[name], service(name)
    assert found["command"] == [spec["command"]]
    assert found["image"] == f"{PROJECT}-{spec['image']}"
    limit = f"{spec['memory'] * containers.CONCURRENCY}m"
    assert (found["mem_limit"], found["memswap_limit"]) == (limit, limit)


@pytest.mark.parametrize("frontend", ["", "http://localhost:3000"])
@pytest.mark.parametrize("name", NAMES)
def test_a_service_gets_exactly_the_functions_variables(name: str, frontend: str) -> None:
    spec = functions()[name]
    config = containers.container_config({"PORT": PORT, "FRONTEND_URL": frontend})
    provisioned = shared().provisioned
    table = environment_table(
        config,
        issuer=f"{config.aws_public_url}/{provisioned.user_pool_id}",
        client_id=provisioned.user_pool_client_id,
    )
    wanted = {variable: table[variable] for variable in spec["environment"]}
    found = document(FRONTEND_URL=frontend)["services"][name]["environment"]
    own = {variable: value for variable, value in found.items() if variable not in LAMBDAS_OWN}
    assert own == wanted | config.aws_environment()
    assert set(found) >= LAMBDAS_OWN
    assert found["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert found["WORKER_TIMEOUT"] == str(spec["timeout"])
    assert int(found["AWS_LAMBDA_FUNCTION_TIMEOUT"]) > spec["timeout"]
    assert found["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == str(spec["memory"])
    assert found["AWS_LAMBDA_MAX_CONCURRENCY"] == str(containers.CONCURRENCY)


@pytest.mark.parametrize(("index", "name"), list(enumerate(NAMES)))
def test_an_emulator_listens_where_the_gateway_calls_it(index: int, name: str) -> None:
    emulator, *options, runtime = service(name)["entrypoint"]
    assert (emulator, runtime) == ("/usr/local/bin/aws-lambda-rie", "/var/runtime/bootstrap")
    assert dict(zip(options[::2], options[1::2], strict=True)) == {
        "--runtime-interface-emulator-address": CONFIG.emulators[name],
        "--runtime-api-address": f"127.0.0.1:{containers.RUNTIME_API_PORT + index}",
    }


def test_only_the_gateways_port_is_published_and_only_to_this_machine() -> None:
    published = {name: found["ports"] for name, found in SERVICES.items() if "ports" in found}
    assert published == {"loopback": [f"127.0.0.1:{PORT}:{PORT}"]}
    others = {name for name in SERVICES if name != "loopback"}
    assert all(SERVICES[name]["network_mode"] == "service:loopback" for name in others)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_container_is_confined(name: str) -> None:
    found = SERVICES[name]
    assert {key: found.get(key) for key in HARDENED} == HARDENED
    assert found["restart"] == "unless-stopped"
    assert not {"privileged", "pid", "ipc", "devices", "userns_mode"} & set(found)
    assert found.get("cap_add", []) == (["SETUID", "SETGID"] if name in NAMES else [])


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"loopback"}))
def test_every_container_tells_its_health(name: str) -> None:
    test = SERVICES[name]["healthcheck"]["test"]
    if name in NAMES:
        assert test == ["CMD", "test", "-f", "/tmp/ready"]
    else:
        assert _numbers(test) == (
            [CONFIG.gateway_port] if name == "gateway" else [4001, 4002, 4003]
        )


def _numbers(words: Iterable[str]) -> list[int]:
    return [int(word) for word in words if word.isdigit()]


def builds(services: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The one service that builds each image, by image."""
    named: dict[str, dict[str, Any]] = {}
    for name, found in services.items():
        image = found.get("image", f"{PROJECT}-{name}")
        if "build" in found:
            assert image not in named, f"{image}: Compose replaces what is built twice, unchanged"
            named[image] = found
    return named


def test_each_image_is_built_once() -> None:
    domains = {spec["image"] for spec in functions().values()}
    built = builds(SERVICES)
    assert set(built) == {f"{PROJECT}-{name}" for name in {*domains, "localcloud", "loopback"}}
    for domain in domains:
        recipe = built[f"{PROJECT}-{domain}"]["build"]
        assert recipe["dockerfile"] == f"images/{domain}/Dockerfile"
        assert recipe["target"] == "local"


def test_the_base_is_the_one_that_the_project_names() -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["groundwork"]["images"]
    bases = {found["build"]["args"]["BASE"] for found in builds(SERVICES).values()}
    assert bases == {named["base"]}
    other = builds(document(BASE_IMAGE="local/base")["services"]).values()
    assert {found["build"]["args"]["BASE"] for found in other} == {"local/base"}


def test_code_changes_rebuild_what_they_concern() -> None:
    built = builds(SERVICES)
    for domain in {spec["image"] for spec in functions().values()}:
        rules = built[f"{PROJECT}-{domain}"]["develop"]["watch"]
        assert [(rule["action"], rule["path"]) for rule in rules] == [
            ("rebuild", f"images/{domain}")
        ]
    rules = built[f"{PROJECT}-localcloud"]["develop"]["watch"]
    assert "lib/localcloud" in {rule["path"] for rule in rules}


@pytest.mark.parametrize("port", ["x", "0", "70000", "4001", "4299"])
def test_a_port_that_cannot_be_served_is_refused_in_words(port: str) -> None:
    with pytest.raises(containers.StackError, match=f"PORT={port} cannot be served"):
        containers.container_config({"PORT": port})
