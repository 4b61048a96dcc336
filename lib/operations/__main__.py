"""`python -m operations <command> --env <name>`; `make help` lists the targets that call it."""

import argparse
import sys
from pathlib import Path

from operations.errors import OperationError
from operations.place import IMAGES

_HELP = {
    "bootstrap": "once per account: state bucket, image repositories, GitHub's roles",
    "plan": "show what a deployment would change",
    "deploy": "plan, ask, apply that plan, smoke-test",
    "rollback": "bring back the images of an earlier release",
    "drift": "exit status 2 when the account is not as Terraform left it",
    "destroy": "remove everything of an environment",
    "unlock": "free the state's lock after a killed command",
    "outputs": "write the frontend's environment file",
    "secrets": "make or rotate the session secret, take the Stripe key, show what is unset",
    "stripe-setup": "show, and with --apply make, what the environment needs at Stripe",
    "adopt-stripe": "list payers of an earlier backend; with --apply, bind those approved",
    "smoke": "check the public address",
    "doctor": "say in plain words what will fail, and how to put it right",
}
_TAKES = {
    "--images": ("plan", "deploy", "destroy"),
    "--yes": ("bootstrap", "deploy", "rollback", "destroy"),
    "--url": ("deploy", "rollback", "smoke", "stripe-setup"),
    "--apply": ("stripe-setup", "adopt-stripe"),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    made = {name: commands.add_parser(name, help=text) for name, text in _HELP.items()}
    for name, command in made.items():
        if name != "bootstrap":
            command.add_argument("--env", default="", help="dev, staging, prod")
        if name in _TAKES["--images"]:
            command.add_argument("--images", default=str(IMAGES), help="a file, or: deployed")
        if name in _TAKES["--yes"]:
            command.add_argument("--yes", action="store_true", help="do not ask")
        if name in _TAKES["--apply"]:
            command.add_argument("--apply", action="store_true", help="do it without asking")
            command.add_argument("--allow-test-mode", action="store_true", help="also for prod")
        if name in _TAKES["--url"]:
            command.add_argument("--url", default="", help="test this address (…/backend) instead")
    made["bootstrap"].add_argument("--repository", default="", help="owner/name at GitHub")
    made["rollback"].add_argument("--to", default="", help="beginning of a release or revision")
    made["destroy"].add_argument("--confirm", default="", help="production: its prefix")
    made["unlock"].add_argument("--id", default="", help="as the refused command printed it")
    made["outputs"].add_argument("--file", type=Path, help="default: .local/.env.<env>")
    made["secrets"].add_argument("--rotate", action="store_true", help="a new session secret")
    made["secrets"].add_argument("--stripe", choices=("ask", "stdin", "keep"), default="")
    made["adopt-stripe"].add_argument(
        "--file", default="", help="default: .local/adoption-<env>.csv"
    )
    made["stripe-setup"].add_argument("--map", default="", help="price_…=<price key>,…")
    made["doctor"].add_argument("--json", action="store_true", help="for programs")
    return parser


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case "bootstrap":
            from operations.bootstrap import bootstrap

            return bootstrap(options.repository, yes=options.yes)
        case "destroy":
            from operations.destroy import destroy

            confirmed = options.confirm
            return destroy(options.env, options.images, confirmed=confirmed, yes=options.yes)
        case "unlock":
            from operations.deployment import unlock

            return unlock(options.env, options.id)
        case "stripe-setup" | "adopt-stripe":
            return _stripe(options)
        case "outputs" | "secrets" | "smoke" | "doctor":
            return _look(options)
    return _release(options)


def _release(options: argparse.Namespace) -> int:
    from operations import deploy

    match options.command:
        case "plan":
            return deploy.plan(options.env, options.images)
        case "drift":
            return deploy.drift(options.env)
        case "deploy":
            return deploy.deploy(options.env, options.images, yes=options.yes, url=options.url)
    return deploy.rollback(options.env, options.to, yes=options.yes, url=options.url)


def _stripe(options: argparse.Namespace) -> int:
    from operations.stripe import commands

    given = {"apply": options.apply, "allow_test_mode": options.allow_test_mode}
    if options.command == "adopt-stripe":
        return commands.adopt(options.env, file=options.file, **given)
    return commands.setup(options.env, mapped=options.map, url=options.url, **given)


def _look(options: argparse.Namespace) -> int:
    match options.command:
        case "outputs":
            from operations import outputs

            return outputs.run(options.env, options.file)
        case "secrets":
            from operations import keys

            return keys.run(options.env, rotate=options.rotate, stripe=options.stripe)
        case "smoke":
            from operations import smoke

            return smoke.run(options.env, options.url)
    from operations import doctor

    return doctor.run(options.env, as_json=options.json)


def main(arguments: list[str] | None = None) -> int:
    """Exit status of the command; 1 with a sentence when it cannot do its work."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except OperationError as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{options.command}: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
