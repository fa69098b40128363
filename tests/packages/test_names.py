"""Recommendations to install: never a stranger's `optimizer`, always a command that works."""

import ast
import importlib.metadata as metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from packages.declared import EXTRAS, LOCKS, NAME, ROOT, lock

from optimizer.errors import MissingExtraError, install_command

TEXTS = {".md", ".py", ".toml", ".ipynb", ".html", ".j2", ".txt", ""}
PYTHON_FILES = sorted((ROOT / "optimizer").rglob("*.py"))

INSTALLS = re.compile(
    r"\b(?:pip3?|pipx|uvx?|poetry|conda|python\S*)\b[^\n]*?\b(?:install|add)\b(.*)"
)
OURS = re.compile(rf"(?<![\w./-])(?:{NAME}|optimizer)(?=$|[\s\[\"'`=<>~!,;)])")


def recommended(line: str) -> list[str]:
    """Names of ours that a line tells to get from an index."""
    found = INSTALLS.search(line)
    return OURS.findall(found[1].split("&&")[0]) if found else []


def kept_texts() -> list[Path]:
    """The text files under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    paths = [ROOT / name for name in listed if name]
    return [path for path in paths if path.suffix in TEXTS and path.is_file()]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("pip install 'optimizer[mqtt]'", ["optimizer"]),
        ("python -m pip install -U optimizer", ["optimizer"]),
        ('uv tool install "optimizer==0.1"', ["optimizer"]),
        ("pipx install optimizer, then", ["optimizer"]),
        ("`pip install fems-optimizer[study]`", ["fems-optimizer"]),
        ("a Dask cluster needs `pip install x` or `optimizer[dask]`", ["optimizer"]),
        ("/opt/optimizer/bin/pip install --no-deps --no-build-isolation .", []),
        ("uv tool install -c .ci/lock/core.txt . && optimizer demo", []),
        ("sudo /opt/optimizer/bin/optimizer service install --now", []),
        ("pip install -r /home/me/optimizer/.ci/lock/mqtt.txt", []),
    ],
)
def test_a_recommendation_is_recognised(line, names):
    assert recommended(line) == names


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")
def test_no_text_recommends_a_name_of_ours_from_an_index():
    texts = kept_texts()
    assert {ROOT / "README.md", ROOT / ".ci" / "run", Path(__file__)} <= set(texts)
    found = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in texts
        if path != Path(__file__)
        for line in path.read_text().splitlines()
        if recommended(line)
    ]
    assert found == []


README = (ROOT / "README.md").read_text()
SERVICE = (ROOT / "optimizer" / "control" / "systemd" / "SERVICE.md").read_text()


def console_lines(mark: str, page: str = README) -> list[str]:
    """The command lines of a page's block behind a mark."""
    return page.split(f"<!-- {mark} -->\n```console\n")[1].split("```")[0].splitlines()


def test_an_update_installs_as_the_installation_does():
    _, *pip_lines = console_lines("install")
    *_, service = console_lines("service")
    _, *again, service_again, _ = console_lines("update", SERVICE)
    assert (again, f"{service_again} --now") == (pip_lines, service)


def test_the_readme_names_locks_and_extras_that_exist():
    locks = set(re.findall(r"\.ci/lock/(\w+)\.txt", README + SERVICE))
    assert locks >= {"core", "dev", "mqtt"}
    assert locks <= {path.stem for path in LOCKS.glob("*.txt")}
    listed = re.search(r"^The extras (.*?) bring", SERVICE, re.MULTILINE)
    assert listed
    assert set(re.findall(r"`(\w+)`", listed[1])) == EXTRAS.keys() - {"dev"}


def extras_in_messages() -> list[tuple[str, str]]:
    """Each raise of a MissingExtraError: its file and the extra that it names."""
    return [
        (path.name, ast.literal_eval(node.args[1]))
        for path in PYTHON_FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "MissingExtraError"
    ]


def test_messages_name_extras_that_exist():
    named = {extra for _, extra in extras_in_messages()}
    assert named == EXTRAS.keys() - {"dev"}


def test_every_guarded_import_tells_how_to_install():
    guarded = {path.name for path in PYTHON_FILES if "except ImportError" in path.read_text()}
    assert guarded == {name for name, _ in extras_in_messages()}


def test_the_message_names_distribution_extra_and_another_way():
    text = str(MissingExtraError("Parquet needs pyarrow", "parquet", "take --format csv"))
    begin = (
        f"Parquet needs pyarrow: take --format csv, or install the extra 'parquet' of {NAME} by "
    )
    assert text == begin + install_command("parquet")


@pytest.mark.parametrize(
    ("missing", "module", "extra"),
    [
        ("paho.mqtt", "optimizer.telemetry.home_assistant_mqtt", "mqtt"),
        ("prometheus_client", "optimizer.telemetry.prometheus", "metrics"),
        ("uvicorn", "optimizer.app.live_server", "web"),
        ("apprise", "optimizer.telemetry.apprise_service", "notify"),
        ("matplotlib.dates", "optimizer.report.plots", "notebook"),
    ],
)
def test_a_module_without_its_extra_says_so(missing, module, extra):
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from optimizer.errors import MissingExtraError\n"
        f"try:\n    import {module}\n"
        "except MissingExtraError as error:\n    print(error, int(error.exit_code))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert f"install the extra '{extra}' of {NAME} by {install_command(extra)} 3\n" in done.stdout


def test_the_command_that_a_message_names_is_accepted_by_pip():
    pins = {pin.name: str(pin.version) for pin in lock("mqtt") if pin.applies()}
    if pins != {name: metadata.version(name) for name in pins}:
        pytest.skip("other versions than the locked ones are installed")
    # with all of it installed nothing is fetched, and pip judges file and hashes all the same
    done = subprocess.run(
        shlex.split(install_command("mqtt")), env=os.environ | {"PIP_NO_INDEX": "1"}, cwd="/",
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Requirement already satisfied: paho-mqtt==" in done.stdout


def bare_environment(folder: Path) -> Path:
    """A Python that knows nothing of us, pip or this checkout's metadata; our errors beside it."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    asked = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())
    (site / "optimizer").mkdir()
    shutil.copy(ROOT / "optimizer" / "__init__.py", site / "optimizer")
    shutil.copy(ROOT / "optimizer" / "errors.py", site / "optimizer")
    return python


def test_without_pip_and_known_source_the_command_is_uvs(tmp_path):
    python = bare_environment(tmp_path / "a b")
    code = "from optimizer.errors import install_command; print(install_command('mqtt'))"
    done = subprocess.run(
        [python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == (
        f"uv pip install --python '{python}' -r .ci/lock/mqtt.txt in the folder of its source\n"
    )
