"""`python -m localcloud <command>`."""

import argparse
import errno
import importlib
import os
import re
import sys
from pathlib import Path

_PARTS = {
    "aws": "localcloud.aws.server",
    "stripe": "localcloud.stripe.server",
    "bedrock": "localcloud.bedrock.server",
    "gateway": "localcloud.gateway.run",
}
_TASKS = {"provision": "localcloud.aws.provision"}
_GENERATORS = {
    "openapi": "localcloud.openapi",
    "plans": "localcloud.plans_json",
    "stripe-reference": "localcloud.stripe.reference",
}


def _port(text: str) -> int:
    port = int(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not a port (1 to 65535)")
    return port


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    dev = commands.add_parser("dev", help="run the whole stack until Ctrl-C")
    dev.add_argument("--port", type=_port, default=8000, help="port of the site (default 8000)")
    dev.add_argument("--state-dir", type=Path, help="where local state is kept (default .local)")
    dev.add_argument(
        "--allow-user-header",
        action="store_true",
        help="turn an x-user-id header into a session of that user (for test clients)",
    )
    dev.add_argument(
        "--webhooks-anywhere",
        action="store_true",
        help="let local Stripe send events to other machines, too",
    )
    openapi = commands.add_parser("openapi", help="write docs/openapi.json from the functions")
    plans = commands.add_parser("plans", help="write terraform/app/plans.json from plans.toml")
    reference = commands.add_parser(
        "stripe-reference", help="write docs/local-stripe.md from the local Stripe"
    )
    for generator in (openapi, plans, reference):
        generator.add_argument(
            "--check", action="store_true", help="only compare, exit 1 if it differs"
        )
    container = commands.add_parser("container", help="run parts as docker-compose.yml does")
    container.add_argument("parts", nargs="+", choices=list(_PARTS))
    health = commands.add_parser("healthy", help="exit 0 when all of these ports answer /_health")
    health.add_argument("ports", nargs="+", type=_port)
    for name in _PARTS:
        commands.add_parser(name, help=f"run the part '{name}' (the dev command does this)")
    commands.add_parser("provision", help="make what functions need (the gateway does this)")
    return parser


def _run_part(name: str) -> int:
    from .config import StackConfig
    from .part import CONFIG_VARIABLE
    from .process import REFUSED, CannotStartError, port_is_free

    text = os.environ.get(CONFIG_VARIABLE)
    if not text:
        print(f"{CONFIG_VARIABLE} is not set: use `python -m localcloud dev`.", file=sys.stderr)
        return 2
    config = StackConfig.from_json(text)
    try:
        importlib.import_module((_PARTS | _TASKS)[name]).main(config)
    except CannotStartError as error:
        print(error, file=sys.stderr)
        return REFUSED
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        ports = [config.control_port] if name == "gateway" else []
        ports.append(getattr(config, f"{name}_port"))
        port = next((each for each in ports if not port_is_free(each)), ports[-1])
        text = f"Port {port} of local {name} was free and has just been taken by another program."
        print(f"{text} Start again.", file=sys.stderr)
        return REFUSED
    return 0


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.command == "dev":
        from .supervisor import dev

        return dev(
            options.port,
            options.state_dir,
            allow_user_header=options.allow_user_header,
            webhooks_anywhere=options.webhooks_anywhere,
        )
    if options.command in _GENERATORS:
        generator = importlib.import_module(_GENERATORS[options.command])
        return int(generator.main(options.check))
    if options.command in ("container", "healthy"):
        from . import containers

        if options.command == "healthy":
            return containers.healthy(options.ports)
        return containers.serve(options.parts)
    return _run_part(options.command)


if __name__ == "__main__":
    sys.exit(main())
