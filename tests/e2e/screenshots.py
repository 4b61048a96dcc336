"""Takes the README's picture: the built-in page after paying and asking, in headless Chromium.

`.venv/bin/python -m tests.e2e.screenshots` writes docs/images/dashboard.png.
"""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from localcloud.config import ROOT
from localcloud.stack import Stack
from tests.e2e.test_browser import FLAGS, Person

TARGET = ROOT / "docs" / "images" / "dashboard.png"
SIZE = {"width": 1180, "height": 760}


def main() -> None:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(port=0, state_dir=Path(folder)) as stack,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        person = Person(page, stack.endpoints(), email="grace@example.com")
        for step in (person.sign_up_and_in, person.subscribe, person.chat):
            step()
        page.screenshot(path=str(TARGET))
        browser.close()


if __name__ == "__main__":
    main()
