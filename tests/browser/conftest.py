"""One Chromium for all tests of a process; without one they are skipped, but never in CI."""

import os
from collections.abc import Iterator

import pytest

from tests.browser.chromium import CHROMIUM, Browser, Tab, chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI has to run a browser: apt install chromium")
        pytest.skip("apt install chromium")
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def shared_tab(browser: Browser) -> Iterator[Tab]:
    with browser.tab() as opened:
        yield opened


@pytest.fixture
def tab(shared_tab: Tab) -> Tab:
    """The tab as it was at first: empty, with scripts and policy in force, nothing noted."""
    shared_tab.reset()
    return shared_tab
