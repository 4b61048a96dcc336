"""Provisioning local AWS, waiting for a part, resetting a part."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping

from aiohttp import ClientError, ClientSession, ClientTimeout

from localcloud.config import ROOT, StackConfig
from localcloud.part import CONFIG_VARIABLE
from localcloud.process import child_environment

Provision = Callable[[StackConfig], Mapping[str, str]]
"""Makes table, bucket, user pool and secrets; returns user_pool_id, user_pool_client_id, issuer."""

_WAIT_SECONDS = 60.0


def provision_local_aws(config: StackConfig) -> Mapping[str, str]:
    """Provision local AWS and tell it of local Stripe's customers.

    A process of its own does it: boto3 and its models take 40 MB, which nothing else here needs.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "localcloud", "provision"],
        env=child_environment({CONFIG_VARIABLE: config.to_json()}),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    provisioned: dict[str, str] = json.loads(done.stdout)
    return provisioned


async def wait_until_healthy(url: str) -> None:
    """Return once a part answers `/_health`. Raises TimeoutError after a minute."""
    deadline = asyncio.get_running_loop().time() + _WAIT_SECONDS
    async with ClientSession(timeout=ClientTimeout(total=5)) as session:
        while asyncio.get_running_loop().time() < deadline:
            with contextlib.suppress(ClientError, OSError, TimeoutError):
                async with session.get(f"{url}/_health") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.05)
    raise TimeoutError(f"{url} does not answer")


async def instance_of(url: str) -> str | None:
    """Which process answers as a part; None while none does."""
    found = await state_of(url)
    return found[0] if found else None


async def state_of(url: str) -> tuple[str, str] | None:
    """Which process answers as local AWS, and the count of its changes; None while none does."""
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=5)) as session,
            session.get(f"{url}/_health") as response,
        ):
            headers = response.headers
            return headers.get("X-Instance", ""), headers.get("X-Changes", "")
    except (ClientError, OSError, TimeoutError):
        return None


async def reset_part(url: str) -> None:
    """Have a part forget all its state. Raises ClientError when it does not."""
    async with (
        ClientSession(timeout=ClientTimeout(total=30)) as session,
        session.post(f"{url}/_local/reset") as response,
    ):
        response.raise_for_status()
