"""A stack whose frontend is a server of its own, and a browser that visits another server, too."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from playwright.sync_api import Browser, BrowserContext, Page

from localcloud.stack import Stack
from tests.e2e.browsing import chromium_at
from tests.e2e.observed import stripe_of
from tests.e2e.sockets import listeners
from tests.e2e.website import FLAGS, NAME, website


@dataclass
class World:
    """`frontend` and `stranger` are ports, of the site's own server and of somebody else's."""

    stack: Stack
    frontend: int
    stranger: int
    context: BrowserContext

    @property
    def strangers(self) -> list[str]:
        """The foreign site by its name, and by the names of this machine."""
        names = (NAME, "127.0.0.1", "localhost")
        return [f"http://{name}:{self.stranger}" for name in names]

    def ports(self) -> list[int]:
        return [each.port for each in listeners(list(self.stack.pids.values()))]

    def s3(self) -> Any:
        config = self.stack.config
        return boto3.client(
            "s3",
            endpoint_url=config.aws_public_url,
            region_name=config.region,
            aws_access_key_id=config.access_key_id,
            aws_secret_access_key=config.secret_access_key,
            config=Config(signature_version="s3v4"),
        )

    def checkout(self, **more: Any) -> Any:
        stripe = stripe_of(self.stack.config)
        price = stripe.v1.prices.list({"limit": 1}).data[0].id
        site = self.stack.site_url
        where = more or {"success_url": f"{site}/thanks", "cancel_url": site}
        params: Any = {"mode": "subscription", "line_items": [{"price": price, "quantity": 1}]}
        return stripe.v1.checkout.sessions.create({**params, **where})


@pytest.fixture(scope="module")
def visited(chromium: str) -> Iterator[Browser]:
    with chromium_at(chromium, FLAGS) as launched:
        yield launched


@pytest.fixture(scope="module", params=["separate", "one port"])
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stack, int]]:
    folder: Path = tmp_path_factory.mktemp("visited")
    with website() as frontend:
        settings: dict[str, Any] = {"frontend_url": f"http://localhost:{frontend}"}
        one_port = request.param == "one port"
        with Stack(port=0, state_dir=folder, one_port=one_port, **settings) as running:
            requests.get(f"{running.site_url}/backend/health/users", timeout=30)
            yield running, frontend


@pytest.fixture
def world(stack: tuple[Stack, int], visited: Browser) -> Iterator[World]:
    context = visited.new_context()
    with website() as stranger:
        yield World(*stack, stranger, context)
    context.close()


def frame(page: Page, address: str) -> None:
    page.evaluate(
        """(address) => new Promise((on) => {
          document.querySelector("iframe")?.remove();
          const frame = document.createElement("iframe");
          frame.onload = () => on();
          frame.src = address;
          document.body.append(frame);
        })""",
        address,
    )


def follow(page: Page, address: str) -> tuple[int, str]:
    """Status and text of what a link of the page leads to."""
    page.evaluate(
        """(address) => {
          const link = document.createElement("a");
          link.href = address;
          link.id = "link";
          link.textContent = "Follow me";
          document.body.append(link);
        }""",
        address,
    )
    with page.expect_response(address) as found:
        page.click("#link")
    return found.value.status, found.value.text()
