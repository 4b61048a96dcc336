"""Where Terraform finds its providers: as the user set it up, or in a mirror on this machine.

Terraform reads a CLI configuration file and, without one, looks into a few implied folders
(Terraform's documentation, "CLI Configuration File", "Implied Local Mirror Directories"). A machine
without network may keep its mirror elsewhere; then a configuration of our own names it.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

VARIABLE = "TF_CLI_CONFIG_FILE"
HOST = "registry.terraform.io"
_WANTED = Path(HOST, "hashicorp", "aws")
_DEPTH = 6  # folders below / in which a mirror is looked for
_SKIPPED = {"proc", "sys", "dev", "run", "tmp", "node_modules", "site-packages", ".git"}


def cli_config(environment: Mapping[str, str], folder: Path) -> Path | None:
    """The configuration file to run Terraform with; None: leave everything to Terraform.

    The user's own file is never replaced. The whole disk is searched only where a download cannot
    be what was meant: the preset file does not exist, or `CI` is set.

    Args:
        environment: variables Terraform would be started with.
        folder: where a file of our own is written.
    """
    preset = environment.get(VARIABLE, "")
    if preset and Path(preset).is_file():
        return Path(preset)
    home = Path(environment.get("HOME") or Path.home())
    if not preset and (home / ".terraformrc").is_file():
        return None
    if any((place / _WANTED).is_dir() for place in implied(environment, home)):
        return _written(folder, "")
    if not preset and not environment.get("CI"):
        return None
    mirror = search(Path("/"))
    return _written(folder, _installation(mirror) if mirror else "")


def implied(environment: Mapping[str, str], home: Path) -> list[Path]:
    """Folders that Terraform itself treats as mirrors when no configuration names one."""
    data = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    own = environment.get("XDG_DATA_HOME") or str(home / ".local" / "share")
    found = [home / ".terraform.d" / "plugins"]
    found += [Path(base, "terraform", "plugins") for base in (own, *data.split(":")) if base]
    if sys.platform == "darwin":
        support = Path("Library", "Application Support", "io.terraform", "plugins")
        found += [home / support, Path("/") / support]
    return found


def search(top: Path) -> Path | None:
    """The first mirror below `top` that holds the AWS provider, shallow folders first."""
    level = [top]
    for _ in range(_DEPTH):
        for folder in level:
            if (folder / _WANTED).is_dir():
                return folder
        level = [child for folder in level for child in _children(folder)]
    return None


def _children(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name not in _SKIPPED and entry.is_dir(follow_symlinks=False):
                    yield Path(entry.path)
    except OSError:
        return


def _installation(mirror: Path) -> str:
    held = sorted(path for path in (mirror / HOST).glob("*/*") if path.is_dir())
    names = ", ".join(f'"{HOST}/{path.parent.name}/{path.name}"' for path in held)
    return (
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path    = "{mirror}"\n    include = [{names}]\n  }}\n'
        f"  direct {{\n    exclude = [{names}]\n  }}\n}}\n"
    )


def _written(folder: Path, text: str) -> Path:
    """Write the file in one step, since commands may run side by side."""
    folder.mkdir(parents=True, exist_ok=True)
    path, temporary = folder / "cli.tfrc", folder / f".cli.{os.getpid()}.tfrc"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return path
