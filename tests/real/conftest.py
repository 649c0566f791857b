"""Fixtures of the tests in a browser: one browser and one server for all tests of a file."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from dashboards.launch import Site
from tests.browser import Shown, chromium
from tests.served_pages import served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Pages of a warehouse to which each test publishes what it needs."""
    warehouse = tmp_path_factory.mktemp("warehouse")
    with served(Site(0, warehouse)) as address:
        yield Shown(address, warehouse)
