"""The password: from the environment, a file, or a private file's own text, and never shown."""

from dataclasses import asdict

import pytest

from optimizer.config.loading import load, release_excerpt
from optimizer.errors import ConfigError


def password(config):
    return config.fems.password.get_secret_value()


def written(small, text):
    return small.replace("env:FEMS_PASSWORD", text)


def test_from_the_environment(config_file, small, environment, secret):
    assert password(load(config_file(small, 0o644), environment)) == secret


def test_from_the_process_environment_by_default(config_file, small, secret, monkeypatch):
    monkeypatch.setenv("FEMS_PASSWORD", secret)
    assert password(load(config_file(small))) == secret


def test_a_variable_that_is_not_there_is_named(config_file, small):
    with pytest.raises(
        ConfigError, match="password: the environment has no variable FEMS_PASSWORD"
    ):
        load(config_file(small), {})


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_from_a_file_beside_the_configuration(config_file, small, tmp_path, secret, ending):
    (tmp_path / "fems").write_bytes((secret + ending).encode())
    assert password(load(config_file(written(small, "file:fems"), 0o644), {})) == secret


def test_from_a_file_with_a_whole_path(config_file, small, tmp_path, secret):
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "fems").write_text(secret)
    assert password(load(config_file(written(small, f"file:{folder}/fems")), {})) == secret


def test_from_a_file_in_the_home_folder(config_file, small, tmp_path, secret, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "fems").write_text(secret)
    assert password(load(config_file(written(small, "file:~/fems")), {})) == secret


def test_a_file_that_is_not_there_is_named(config_file, small, tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(config_file(written(small, "file:none")), {})
    place = tmp_path / "none"
    assert f"fems.password: {place} cannot be read: No such file or directory" in str(caught.value)


def test_a_credential_of_systemd_goes_before_what_is_written(config_file, small, tmp_path, secret):
    (tmp_path / "fems.password").write_text(secret)
    given = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert password(load(config_file(written(small, "file:none")), given)) == secret


def test_credentials_that_cannot_be_searched_are_one_sentence(config_file, small):
    given = {"CREDENTIALS_DIRECTORY": f"/{'x' * 300}"}
    with pytest.raises(ConfigError) as caught:
        load(config_file(written(small, "file:none")), given)
    assert str(caught.value).endswith("x/fems.password cannot be read: File name too long")


def test_what_a_release_needs_is_a_configuration_without_the_secret(config_file, small, secret):
    path = config_file(written(small, "file:fems"))
    (path.parent / "fems").write_text(secret)
    config = load(path, {})
    text = release_excerpt(path, config)
    assert secret not in text
    excerpt = path.with_name("excerpt.toml")
    excerpt.write_text(text)
    again = load(excerpt, {})
    assert (again.fems, again.store) == (config.fems, config.store)
    path.chmod(0o600)
    path.write_text(written(small, secret))
    assert release_excerpt(path, config) is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o620])
def test_a_file_that_others_may_read_is_refused_like_the_text_itself(
    config_file, small, tmp_path, secret, mode
):
    (tmp_path / "fems").write_text(secret)
    (tmp_path / "fems").chmod(mode)
    with pytest.raises(ConfigError) as caught:
        load(config_file(written(small, "file:fems")), {})
    place = tmp_path / "fems"
    assert str(caught.value).endswith(
        f"fems.password: {place} can be read by others: 'chmod 600 {place}'"
    )


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_the_text_itself_in_a_private_file(config_file, small, secret, mode):
    assert password(load(config_file(written(small, secret), mode), {})) == secret


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o620, 0o601])
def test_the_text_itself_in_a_file_of_others_is_refused_with_the_cure(
    config_file, small, secret, mode
):
    path = config_file(written(small, secret), mode)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    text = str(caught.value)
    assert f"fems.password is in a file that others can read: 'chmod 600 {path}'" in text
    assert 'password = "file:..." or "env:..."' in text
    assert secret not in text


def test_the_password_is_not_in_the_text_of_a_configuration(
    config_file, small, environment, secret
):
    config = load(config_file(small), environment)
    for shown in (repr, str):
        assert secret not in shown(config)
        assert secret not in shown(config.fems)
    assert secret not in str(asdict(config))


FAULTY = {
    "another key is wrong": ('password = "{}"\n[extra]\n', None),
    "the key is misspelt": ('pasword = "{}"\n', None),
    "the key stands outside": ('password = "env:P"\n', 'password = "{}"\n'),
    "it is a list": ('password = ["{}"]\n', None),
    "it is a table": ('password = {{ text = "{}" }}\n', None),
    "it stands there twice": ('password = "{0}"\npassword = "{0}"\n', None),
    "its quotes are open": ('password = "{}\n', None),
    "it has no quotes": ("password = {}\n", None),
    "another key of its section is wrong": ('password = "{}"\ness = "0"\nurls = 1\n', None),
}


@pytest.mark.parametrize("name", FAULTY)
def test_the_password_is_in_no_message_when(config_file, secret, name):
    lines, above = FAULTY[name]
    head = (above or "").format(secret)
    text = f'{head}[fems]\nurl = "http://192.168.0.23"\n{lines.format(secret)}'
    with pytest.raises(ConfigError) as caught:
        load(config_file(text), {"P": "p"})
    assert secret not in str(caught.value)


def test_the_password_from_environment_or_file_is_in_no_message(
    config_file, small, environment, secret, tmp_path
):
    (tmp_path / "fems").write_text(secret)
    for text in (small, written(small, "file:fems")):
        with pytest.raises(ConfigError) as caught:
            load(config_file(text + "[extra]\n"), environment)
        assert secret not in str(caught.value)
