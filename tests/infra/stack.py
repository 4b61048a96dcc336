"""A whole AWS account on this machine, in which operators deploy and a gateway serves."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import requests

from localcloud.config import StackConfig
from localcloud.stack import Stack
from tests.e2e import journey
from tests.infra.clone import Clone, Outcome
from tests.infra.images import IMAGES, Image, register_code, release

ENV = "dev"
PREFIX = f"groundwork-{ENV}"
PRESENT, PREVIOUS = "present", "previous"


class LocalAccount:
    """A running stack that serves `groundwork-dev`, and an operator's clone for it."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.clone = Clone.made(folder / "clone", stack.config)
        self._clients: dict[str, Any] = {}
        self._pushed: set[str] = set()
        self.settings = {
            "frontend_origin": '"frontend.example.com"',
            "extra_origins": json.dumps([self.config.site_url]),
            "stripe_api_base": json.dumps(self.config.stripe_url),
        }

    @property
    def config(self) -> StackConfig:
        return self.stack.config

    @cached_property
    def code(self) -> dict[str, Path]:
        """Root folders of the code that markers of images stand for."""
        return {PRESENT: self.clone.folder}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.config.aws_url,
                region_name=self.config.region,
                aws_access_key_id=self.config.access_key_id,
                aws_secret_access_key=self.config.secret_access_key,
            )
        return self._clients[service]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def configure(self, **settings: str) -> None:
        """Variables of the environment on top of what leads to this machine; values are HCL."""
        self.settings |= settings
        self.clone.configure(ENV, self.settings)

    def build(self, markers: Mapping[str, str] | str, name: str = "images.json") -> Path:
        """Push images, let their digests stand for code, and write them as `make push` does.

        A marker is a revision, `present` or `previous`, and perhaps `+` and anything: that makes
        another image of the same code.
        """
        chosen = {
            image: markers if isinstance(markers, str) else markers[image] for image in IMAGES
        }
        code = {}
        for image, marker in chosen.items():
            built = Image(image, marker)
            if built.digest not in self._pushed:
                built.push(self.client("ecr"))
                self._pushed.add(built.digest)
            code[built.digest] = self.code[marker.partition("+")[0]]
        register_code(self.config.state_dir, code)
        path = self.clone.folder / name
        path.write_text(json.dumps(release(chosen), indent=2))
        return path

    def deploy(self, images: Path) -> Outcome:
        """`make deploy ENV=dev`, smoke test through the gateway included."""
        return self.clone.run("deploy", "--env", ENV, "--yes", *self.at_gateway(images))

    def at_gateway(self, images: Path) -> list[str]:
        return [f"--images={images}", f"--url={self.config.site_url}/backend"]

    def set_up_payments(self) -> None:
        """`make secrets` and `make stripe-setup`, as an operator does after the first deploy."""
        given = f"{self.config.stripe_secret_key}\n"
        self.clone.run("secrets", "--env", ENV, "--stripe=stdin", given=given).ok()
        site = f"--url={self.config.site_url}"
        self.clone.run("stripe-setup", "--env", ENV, "--apply", site).ok()

    def refresh(self) -> None:
        """Have the gateway read local AWS again at once."""
        url = f"{self.config.site_url}/_local/applied/refresh"
        requests.post(url, timeout=30).raise_for_status()

    def fire(self, schedule: str) -> requests.Response:
        """Have a schedule call its function now."""
        url = f"{self.config.site_url}/_local/applied/schedules/{schedule}"
        return requests.post(url, timeout=30)

    def endpoints(self) -> dict[str, Any]:
        found = requests.get(f"{self.config.site_url}/_local/endpoints", timeout=10)
        found.raise_for_status()
        endpoints: dict[str, Any] = found.json()
        return endpoints

    def journey(self) -> None:
        """The whole paid journey of a new user through what is deployed."""
        self.refresh()
        journey.run(self.endpoints())

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """A request to the API as the site's visitors make it."""
        return requests.request(
            method, f"{self.config.site_url}/backend{path}", timeout=30, **options
        )

    def resources(self) -> dict[str, list[str]]:
        """Everything that exists in local AWS, by service and type."""
        found = requests.get(f"{self.config.aws_url}/_local/resources", timeout=30)
        found.raise_for_status()
        resources: dict[str, list[str]] = found.json()["resources"]
        return resources

    def printed(self) -> list[str]:
        """The last lines of gateway and functions."""
        return self.stack.output("gateway")


@contextmanager
def local_account(folder: Path) -> Iterator[LocalAccount]:
    """An empty account, with a gateway that waits for `groundwork-dev` to be applied.

    Local Stripe is empty as well: `make stripe-setup` fills it.
    """
    log = (folder / "stack.log").open("a", buffering=1)
    settings = {"applied": PREFIX, "stripe_unseeded": True}
    with (
        log,
        Stack(
            port=0, state_dir=folder / "state", log=lambda line: print(line, file=log), **settings
        ) as stack,
    ):
        account = LocalAccount(stack, folder)
        account.configure()
        try:
            yield account
        finally:
            account.close()
