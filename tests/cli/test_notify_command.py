"""`optimizer notify`: what it prints and sends, its exit codes, and nothing of the addresses."""

import sys

import pytest
from web_hook import TOKEN, WebHook

import optimizer.telemetry
from optimizer.cli.app import app
from optimizer.errors import ExitCode


@pytest.fixture
def hook():
    with WebHook() as running:
        yield running


def section(tmp_path, *urls, allow=""):
    """The section, its addresses in a file of the owner's alone."""
    path = tmp_path / "notify.urls"
    path.touch(mode=0o600)
    path.write_text("\n".join(urls) + "\n")
    return f'[notify]\nurls = "file:notify.urls"\n{allow}'


def test_a_trial_reaches_every_service(in_process, write_config, tmp_path, hook):
    write_config(more=section(tmp_path, hook.url, f"{hook.url}/second"))
    done = in_process("notify", "--test")
    assert (done.returncode, hook.titles) == (0, ["home: a trial message"] * 2)
    assert done.stdout.splitlines() == [
        "sent     address 1 of 2 (json)", "sent     address 2 of 2 (json)",
    ]  # fmt: skip
    hook.statuses[:] = [500, 200]
    done = in_process("notify", "--test")
    assert done.returncode == ExitCode.BAD_DATA
    assert "optimizer: address 1 of 2 (json) did not take the message" in done.stderr
    assert len(hook.got) == 4
    assert not (tmp_path / "state").exists()
    assert TOKEN not in done.stdout + done.stderr


def test_a_dry_run_prints_and_leaves_no_trace(in_process, write_config, tmp_path, hook):
    write_config(more=section(tmp_path, hook.url))
    done = in_process("notify", "--dry-run")
    assert done.returncode == 0
    first, *body = done.stdout.splitlines()
    assert first == "home: no plan for tomorrow"
    assert all(line.startswith("  ") and len(line) <= 82 for line in body)
    assert in_process("notify", "--test", "--dry-run").stdout.startswith("home: a trial message\n")
    assert hook.got == []
    assert not (tmp_path / "state").exists()


def test_a_message_is_sent_once_and_again_after_a_failure(in_process, write_config, tmp_path, hook):
    write_config(more=section(tmp_path, hook.url))
    hook.statuses[:] = [503]
    done = in_process("notify")
    assert done.returncode == ExitCode.BAD_DATA
    assert "address 1 of 1 (json) did not take a message (1 wait)" in done.stderr
    assert in_process("notify").stdout == "sent     home: no plan for tomorrow\n"
    assert in_process("notify").stdout == "nothing to tell\n"
    assert hook.titles == ["home: no plan for tomorrow"] * 2
    assert TOKEN not in (tmp_path / "state" / "messages.json").read_text()


def test_kinds_are_those_that_are_allowed(in_process, write_config, tmp_path, hook):
    write_config(more=section(tmp_path, hook.url, allow='allow = ["tariff_ends"]'))
    assert in_process("notify").stdout == "nothing to tell\n"
    write_config(more=section(tmp_path, hook.url, allow='allow = ["no_plans"]'))
    done = in_process("notify")
    assert done.returncode == ExitCode.CONFIG
    assert "notify.allow.0 should be 'no_plan', 'nothing_held'" in done.stderr
    assert hook.got == []


def test_what_is_missing_is_said(in_process, write_config, tmp_path, monkeypatch):
    write_config()
    done = in_process("notify")
    assert done.returncode == ExitCode.CONFIG
    assert "there is no section [notify]: write one with urls = " in done.stderr
    write_config(more=section(tmp_path, f"jsen://{TOKEN}"))
    done = in_process("notify", "--test")
    assert done.returncode == ExitCode.CONFIG
    assert "notify.urls: address 1 of 1 (jsen) is none that apprise understands" in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    (tmp_path / "notify.urls").chmod(0o644)
    done = in_process("notify")
    assert "notify.urls: " in done.stderr
    assert "can be read by others: 'chmod 600" in done.stderr
    monkeypatch.setitem(sys.modules, "apprise", None)
    monkeypatch.delitem(sys.modules, "optimizer.telemetry.apprise_service", raising=False)
    monkeypatch.delattr(optimizer.telemetry, "apprise_service", raising=False)
    (tmp_path / "notify.urls").chmod(0o600)
    done = in_process("notify")
    assert done.returncode == ExitCode.CONFIG
    assert "[notify] needs the package apprise: install the extra 'notify'" in done.stderr


def test_an_address_in_a_file_of_others_is_refused(in_process, write_config):
    write_config(more=f'[notify]\nurls = "json://{TOKEN}"\n').chmod(0o644)
    done = in_process("notify", "--dry-run")
    assert done.returncode == ExitCode.CONFIG
    assert "notify.urls is in a file that others can read" in done.stderr
    assert TOKEN not in done.stdout + done.stderr


def test_the_command_has_its_line_in_the_list_of_all():
    (command,) = [one for one in app.registered_commands if one.callback.__name__ == "notify"]
    assert command.short_help == "Send messages about what needs a look."
