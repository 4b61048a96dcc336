"""That frontend behind a gateway with a local Stripe, in a browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.browsing import DESKTOP
from tests.e2e.stripe_js.shop import application
from tests.integration.local_gateway import make_config, running_gateway
from tests.integration.stripe_fixtures import LocalStripe
from tests.integration.web_server import serving


@pytest.fixture(scope="module")
def frontend() -> Iterator[str]:
    """Its address."""
    with serving(application) as server:
        yield server.url


@pytest.fixture(scope="module")
def stripe(tmp_path_factory: pytest.TempPathFactory, frontend: str) -> Iterator[LocalStripe]:
    """A local Stripe and a gateway before that frontend."""
    folder = tmp_path_factory.mktemp("stripe-js")
    config = make_config(folder, frontend_url=frontend)
    local = LocalStripe(config)
    local.start()
    try:
        with running_gateway(folder, config=config):
            yield local
    finally:
        local.stop()


@pytest.fixture
def page(stripe: LocalStripe, browser: Browser) -> Iterator[Page]:
    # In this order: the browser has to end first, as its loop keeps others from ending.
    opened = browser.new_page(viewport=DESKTOP)  # type: ignore[arg-type]
    opened.set_default_timeout(15_000)
    opened.goto(stripe.config.site_url)
    yield opened
    opened.close()
