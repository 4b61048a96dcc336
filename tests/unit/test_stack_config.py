"""What the parts of a stack agree on."""

from dataclasses import replace
from pathlib import Path

import pytest

from localcloud.config import StackConfig


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
