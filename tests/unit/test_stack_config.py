"""What the parts of a stack agree on."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from localcloud.config import StackConfig
from localcloud.containers import container_config
from localcloud.stack import Stack, StackError


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://localhost:3000", "http://host.docker.internal:3000"),
        ("http://127.0.0.1", "http://host.docker.internal"),
        ("http://frontend.test:3000", "http://frontend.test:3000"),
        (None, None),
    ],
)
def test_a_container_finds_a_frontend_on_its_machine(url: str | None, address: str | None) -> None:
    ports = {"gateway_port": 1, "aws_port": 2, "stripe_port": 3, "bedrock_port": 4}
    config = StackConfig(**ports, control_port=5, state_dir=Path("/nonexistent"), frontend_url=url)
    assert config.frontend_address == url
    inside = replace(config, machine_name="host.docker.internal")
    assert inside.frontend_address == address
    assert inside.frontend_url == url


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://localhost:3000/", "http://localhost:3000"),
        ("http://localhost:80", "http://localhost"),
        ("https://App.example:443/shop?x#y", "https://app.example"),
        ("HTTP://LOCALHOST:443", "http://localhost:443"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://localhost:", "http://localhost"),
    ],
)
def test_the_frontends_origin_is_what_a_browser_says(url: str, origin: str) -> None:
    config = StackConfig(1, 2, 3, 4, 5, Path("/nonexistent"), frontend_url=url)
    assert config.site_origins == ["http://localhost:1", "http://127.0.0.1:1", origin]
    with pytest.raises(StackError, match=f"^Write FRONTEND_URL={re.escape(origin)}, "):
        container_config({"FRONTEND_URL": url if url != origin else f"{url}/"})
    assert container_config({"FRONTEND_URL": origin}).frontend_url == origin


@pytest.mark.parametrize(
    "url",
    [
        "localhost:3000",
        "localhost",
        "3000",
        "/",
        "ftp://localhost",
        "http://",
        "http://:3000",
        "http://localhost:port",
        "http://localhost:70000",
        "http://[::1",
        "http://user:secret@localhost:3000",
        "http://@localhost",
        "http://local host:3000",
        "http://localhost:3000,http://localhost:3001",
        " http://localhost:3000",
        "http://local\thost:3000",
        "http://caf\u00e9.example",
    ],
)
def test_an_address_of_no_site_is_refused_with_what_to_write(url: str, tmp_path: Path) -> None:
    stack = Stack(port=0, state_dir=tmp_path, frontend_url=url)
    for start in (stack.start, lambda: container_config({"FRONTEND_URL": url})):
        with pytest.raises(StackError, match="FRONTEND_URL=http://localhost:3000") as refused:
            start()
        assert "secret" not in str(refused.value)
    assert stack.pids == {}
