"""Progress of a release on the terminal: one line a step."""

import sys

_WIDTH = 110


def say(image: str, text: str) -> None:
    """Print one line of progress about an image, cut to the terminal's size."""
    line = f"{image:<8} {text}"
    print(line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…", file=sys.stdout, flush=True)
