"""`release`, `pause` and `resume` without an executor, and lengths of time as they are typed."""

import re
import threading
from datetime import timedelta

import pytest
import typer

from optimizer.cli.common_options import duration_within
from optimizer.errors import ExitCode
from optimizer.fems.client import FemsClient
from optimizer.model.snapshot import Channel
from optimizer.store import pause

HELD = -10_000


def test_a_pause_without_an_executor_keeps_the_next_one_away(
    fems, write_config, files_for_now, optimizer
):
    write_config(files_for_now, url=fems.url)
    assert optimizer("plan").returncode == 0
    done = optimizer("pause")
    assert done.stdout.endswith(": no executor is running; one that starts stays away\n")
    assert optimizer("run", "--no-replan", "--for", "6").returncode == 0
    assert fems.house.shown.applied_w != HELD
    status = optimizer("status")
    assert "no executor is running" in " ".join(status.stdout.split())
    assert status.stdout.startswith("PAUSED ")
    assert optimizer("resume").stdout.endswith("is over; no executor is running\n")
    assert optimizer("resume").stdout == "nothing was paused\n"


def test_a_value_that_another_program_keeps_writing_is_named(
    fems, write_config, optimizer, tmp_path
):
    """The nulls are taken, and yet something is held: exit code 5 says what."""
    write_config(url=fems.url)
    stop = threading.Event()

    def another_program():
        with FemsClient(fems.url, "owner") as client:
            while not stop.wait(0.05):
                client.hold(Channel.EQUALS, 1_234)

    other = threading.Thread(target=another_program)
    other.start()
    try:
        done = optimizer("release")
    finally:
        stop.set()
        other.join()
    assert done.returncode == ExitCode.REFUSED
    assert "still lists ess0/SetActivePowerEquals = 1234 by ctrlApiRest0" in done.stderr
    assert "an executor stays away until 'optimizer resume'" in done.stderr
    assert pause.load(tmp_path / "state") is not None


def test_a_fems_that_is_away_is_told_by_the_exit_code_and_the_pause_stays(
    write_config, optimizer, tmp_path
):
    write_config(url="http://127.0.0.1:9")
    done = optimizer("release")
    assert done.returncode == ExitCode.UNREACHABLE
    assert "an executor stays away until 'optimizer resume'" in done.stderr
    assert pause.load(tmp_path / "state") is not None


WITH_A_LENGTH = (
    ("pause",), ("run",), ("override", "hold"), ("fems", "set", "SetActivePowerEquals", "-500"),
)  # fmt: skip


@pytest.mark.parametrize("command", WITH_A_LENGTH, ids=" ".join)
@pytest.mark.parametrize(
    "text", ["", "h", "2 weeks", "-2h", "-2", "9999d", "1h x", "1h30", "nan", "1e3", "9" * 400]
)
def test_what_is_no_length_of_time(in_process, write_config, command, text):
    write_config()
    done = in_process(*command, "--for", text)
    assert done.returncode == 2
    assert re.search(
        r"is not a length of time from \d [sd] to \d+ d such as 90 \(seconds\), 90m, 2h or 1d",
        " ".join(done.stderr.replace("│", " ").split()),
    )


@pytest.mark.parametrize("command", WITH_A_LENGTH, ids=" ".join)
@pytest.mark.parametrize("text", ["2", "2.0", "2s", "2 s", "0.0005h 0.2s"])
def test_a_length_of_time_is_written_alike_everywhere(in_process, write_config, command, text):
    """They go on, to a FEMS that is not there or to prices of another time."""
    write_config()
    done = in_process(*command, "--for", text)
    assert done.returncode == {"fems": 4, "override": 8}.get(command[0], 0), done.stderr


def test_lengths_of_time():
    assert duration_within(1)("2h") == timedelta(hours=2)
    assert duration_within(1)("1d 12h") == timedelta(hours=36)
    assert duration_within(1)("0.5h") == timedelta(minutes=30)
    assert duration_within(1)("90m") == duration_within(1)("5400") == timedelta(minutes=90)
    assert duration_within(0)("0") == timedelta(0)
    for text in ("0", "0s", "25h"):
        with pytest.raises(typer.BadParameter, match=f"'{text}' is not .* from 1 s to 1 d"):
            duration_within(1, 86_400)(text)
