"""One canary over the whole suite: whatever a test prints, logs or fails with holds no secret."""

import base64
import os
import signal
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


TRACED = "COVERAGE_PROCESS_CONFIG"
"""Variable by which coverage follows into processes."""

REPORTED = pytest.StashKey[bool]()


SLOW = (
    "tests/app/test_live", "tests/backtest/", "tests/bench/", "tests/browser/",
    "tests/cli/test_backtest_command.py", "tests/cli/test_check_command.py",
    "tests/cli/test_every_minute.py", "tests/cli/test_hostile", "tests/cli/test_interrupted.py",
    "tests/cli/test_looking_back.py", "tests/cli/test_mqtt_orders.py",
    "tests/cli/test_pause_at_work.py",
    "tests/cli/test_processes.py", "tests/cli/test_progress.py",
    "tests/cli/test_run_command.py", "tests/cli/test_serve_command.py",
    "tests/cli/test_service_command.py", "tests/cli/test_simulate.py", "tests/cli/test_stdout.py",
    "tests/cli/test_store_faults.py", "tests/cli/test_terminals.py",
    "tests/cli/test_wrong_inputs.py", "tests/docs/test_readme.py", "tests/faults/",
    "tests/notebooks/", "tests/packages/", "tests/planning/test_exact_model.py",
    "tests/planning/test_every_on_off", "tests/planning/test_highs_direct.py",
    "tests/planning/test_random_plans.py", "tests/planning/test_why_not.py",
    "tests/savings/test_simulated_month.py", "tests/systemd/",
)  # fmt: skip
"""Files whose tests take long together: processes, campaigns, exact models."""


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers of this suite; let commands take Ctrl-C where a script started it by `&`.

    Such a shell lets SIGINT be ignored, by all that is started from there.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "reveals_a_secret: the test of the canary itself")
    config.addinivalue_line("markers", "slow: left out by `-m 'not slow'`, which takes two minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is slow by its file; what waits most and what is slow comes first.

    So no worker is left alone with a long file at the end.
    """
    for item in items:
        if item.path.relative_to(config.rootpath).as_posix().startswith(SLOW):
            item.add_marker("slow")
    items.sort(
        key=lambda item: (
            item.get_closest_marker("systemd") is None, item.get_closest_marker("slow") is None
        )
    )  # fmt: skip


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
    """Let `no_cover` hold for a test's fixtures and processes too: long work is often theirs."""
    running = None
    if item.get_closest_marker("no_cover") and "coverage" in sys.modules:
        running = sys.modules["coverage"].Coverage.current()
    if running is None:
        return (yield)
    running.stop()
    os.environ.pop(TRACED, None)
    try:
        return (yield)
    finally:
        running.start()  # sets the variable anew; so does pytest-cov after the test
        os.environ.pop(TRACED, None)


def secrets_in(text: str) -> list[str]:
    """Secrets that a text tells."""
    return [secret for secret in (*CANARIES, *LOGINS) if secret in text]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test whose captured output or log tells a secret."""
    report = yield
    reported = secrets_in("\n".join(text for _, text in report.sections))
    exempt = item.get_closest_marker("reveals_a_secret") or item.stash.get(REPORTED, False)
    if reported and report.passed and not exempt:
        item.stash[REPORTED] = True
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} tells a secret ({reported[0][:4]}...) in {call.when}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the seconds that tests under a live systemd have measured."""
    figures = [
        str(value)
        for kind in ("passed", "failed")
        for report in terminalreporter.getreports(kind)
        if report.when == "call"
        for name, value in report.user_properties
        if name == "seconds"
    ]
    if figures:
        terminalreporter.section("seconds under a live systemd")
        terminalreporter.write_line("\n".join(figures))
