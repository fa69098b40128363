"""Where the configuration is looked for, and what its relative paths are relative to."""

from pathlib import Path

import pytest

from optimizer.config.loading import FILE_NAME, find, load, user_file
from optimizer.errors import ConfigError


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The four places in order, each with a file: given, environment, here, the user's folder."""
    here, home = tmp_path / "here", tmp_path / "home"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    found = {
        "given": tmp_path / "given.toml",
        "environment": tmp_path / "environment.toml",
        "here": Path(FILE_NAME),
        "user": user_file(),
    }
    for path in found.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return found


@pytest.fixture
def environment_of(places):
    return {"OPTIMIZER_CONFIG": str(places["environment"])}


def test_the_users_folder_is_of_this_program(places, tmp_path):
    assert places["user"] == tmp_path / "home" / "optimizer" / "optimizer.toml"


def test_a_given_path_comes_first(places, environment_of):
    assert find(places["given"], environment_of) == places["given"]


def test_then_the_environment(places, environment_of):
    assert find(None, environment_of) == places["environment"]


def test_then_the_present_folder(places):
    assert find(None, {}) == places["here"]


def test_then_the_users_folder(places):
    places["here"].unlink()
    assert find(None, {}) == places["user"]


def test_without_any_both_places_are_named(places):
    places["here"].unlink()
    places["user"].unlink()
    with pytest.raises(ConfigError) as caught:
        find(None, {})
    assert str(caught.value) == (
        f"there is no configuration: optimizer.toml or {places['user']} or "
        "/etc/optimizer/optimizer.toml was looked for; 'optimizer init' writes one"
    )


@pytest.mark.parametrize("named", ["given", "environment"])
def test_a_named_file_that_is_not_there_is_not_replaced_by_another(places, environment_of, named):
    places[named].unlink()
    given = places["given"] if named == "given" else None
    with pytest.raises(ConfigError, match=f"{named}.toml was looked for"):
        find(given, environment_of)


def test_a_folder_is_no_configuration(places, tmp_path):
    with pytest.raises(ConfigError, match="was looked for"):
        find(tmp_path, {})


FILES = """
[prices]
file = "{0}prices.csv"
[pv]
file = "{0}roof.csv"
[load]
file = "{0}load.csv"
[store]
folder = "{0}state"
"""


def paths(config):
    return [config.prices.file, config.pv.file, config.load.file, config.store.folder]


def names(folder):
    return [folder / name for name in ("prices.csv", "roof.csv", "load.csv", "state")]


@pytest.mark.parametrize("prefix", ["", "./", "data/", "../"])
def test_relative_paths_are_relative_to_the_configuration(
    config_file, small, environment, tmp_path, prefix
):
    config = load(config_file(small + FILES.format(prefix)), environment)
    assert paths(config) == names(tmp_path / prefix)


def test_also_when_the_configuration_is_named_relatively(
    config_file, small, environment, tmp_path, monkeypatch
):
    config_file(small + FILES.format(""))
    monkeypatch.chdir(tmp_path)
    assert paths(load(Path(FILE_NAME), environment)) == names(tmp_path)


def test_whole_paths_stay(config_file, small, environment):
    config = load(config_file(small + FILES.format("/srv/")), environment)
    assert paths(config) == names(Path("/srv"))


def test_the_home_folder_may_be_abbreviated(config_file, small, environment, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    config = load(config_file(small + FILES.format("~/")), environment)
    assert paths(config) == names(tmp_path / "me")


def test_files_that_are_not_named_stay_unnamed(config_file, small, environment):
    config = load(config_file(small), environment)
    assert (config.prices.file, config.pv.file, config.load.file) == (None, None, None)


def test_a_path_of_another_kind_is_a_fault_like_any_other(config_file, small, environment):
    with pytest.raises(ConfigError, match=r"prices\.file should be the name of .*\(it is 5\)"):
        load(config_file(small + "[prices]\nfile = 5\n"), environment)


@pytest.mark.parametrize(
    ("section", "key"), [("store", "folder"), ("prices", "file"), ("metrics", "textfile")]
)
@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_place_is_a_fault_like_any_other(
    config_file, small, environment, section, key, text
):
    path = config_file(f'{small}[{section}]\n{key} = "{text}"\n[control]\ninterval_s = 99\n')
    with pytest.raises(ConfigError) as caught:
        load(path, environment)
    assert str(caught.value).splitlines()[:2] == [
        f"{path}: {section}.{key} is empty: name a place, or leave the key out",
        f"{path}: control.interval_s should be at most 20 (it is 99)",
    ]


@pytest.mark.parametrize(
    ("given", "environ"), [(Path(), {}), (None, {"OPTIMIZER_CONFIG": ""})], ids=repr
)
def test_an_empty_name_of_the_configuration_is_told(given, environ):
    with pytest.raises(ConfigError, match=r"is empty: name a file, such as optimizer\.toml"):
        find(given, environ)
