"""One canary over the whole suite: whatever a test prints, logs or fails with holds no secret."""

import base64
import sys
from collections.abc import Generator

import pytest

CANARIES = ("kanari3nvogel", "a-canary-password", "xyzzy")
"""Passwords that tests use nowhere but as passwords."""

LOGINS = tuple(
    base64.b64encode(f"x:{password}".encode()).decode()[:10]
    for password in ("owner", "user", *CANARIES)
)
"""The same, and the device's own, as they travel in a header."""


TOLD = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Name the one marker of this suite."""
    config.addinivalue_line("markers", "tells_a_secret: the test of the canary itself")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Have a worker measured once.

    Coverage's hook for subprocesses and pytest-cov's for a whole run have started there already,
    where `no_cover` does not reach them; pytest-cov's for a worker follows.
    """
    if hasattr(session.config, "workerinput") and "coverage" in sys.modules:
        while running := sys.modules["coverage"].Coverage.current():
            running.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Let `no_cover` hold for a test's fixtures too: the long work is often theirs."""
    running = None
    if item.get_closest_marker("no_cover") and "coverage" in sys.modules:
        running = sys.modules["coverage"].Coverage.current()
    if running is not None:
        running.stop()
    try:
        yield
    finally:
        if running is not None:
            running.start()


def secrets_in(text: str) -> list[str]:
    """Secrets that a text tells."""
    return [secret for secret in (*CANARIES, *LOGINS) if secret in text]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test whose captured output or log tells a secret."""
    report = yield
    told = secrets_in("\n".join(text for _, text in report.sections))
    exempt = item.get_closest_marker("tells_a_secret") or item.stash.get(TOLD, False)
    if told and report.passed and not exempt:
        item.stash[TOLD] = True
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} tells a secret ({told[0][:4]}...) in {call.when}"
    return report
