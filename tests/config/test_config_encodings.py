"""Texts of the owner as editors save them: a byte order mark, CRLF, UTF-16."""

import pytest

from optimizer.config.loading import load, secret_files
from optimizer.errors import ConfigError

SECRET = "kanari3nvogel"
ENCODINGS = {"plain": "utf-8", "mark": "utf-8-sig"}
WIDE = ("utf-16", "utf-16-le", "utf-16-be")


def save(path, text, encoding, ends):
    path.write_bytes(text.replace("\n", ends).encode(encoding))
    path.chmod(0o600)
    return path


@pytest.fixture
def small(tmp_path):
    return (
        '[fems]\nurl = "http://192.168.0.23"\npassword = "file:pw"\n'
        '[battery]\ncapacity_wh = 22_000\n[store]\nfolder = "Häuschen"\n'
    )


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)
def test_configuration_and_secret(tmp_path, small, encoding, ends):
    path = save(tmp_path / "optimizer.toml", small, encoding, ends)
    save(tmp_path / "pw", f"{SECRET}\n", encoding, ends)
    config = load(path, {})
    assert config.fems.password.get_secret_value() == SECRET
    assert config.store.folder == tmp_path / "Häuschen"
    assert secret_files(path)[0] == {"fems.password": tmp_path / "pw"}


@pytest.mark.parametrize("encoding", WIDE)
def test_a_configuration_in_utf_16_is_one_sentence(tmp_path, small, encoding):
    path = save(tmp_path / "optimizer.toml", small, encoding, "\r\n")
    with pytest.raises(ConfigError, match=r"^[^\n]*optimizer\.toml is UTF-16: save it as UTF-8$"):
        load(path, {})


@pytest.mark.parametrize("encoding", WIDE)
def test_a_secret_in_utf_16_is_one_sentence(tmp_path, small, encoding):
    path = save(tmp_path / "optimizer.toml", small, "utf-8", "\n")
    save(tmp_path / "pw", f"{SECRET}\n", encoding, "\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value).endswith("pw is UTF-16: save it as UTF-8")
    assert SECRET not in str(caught.value)


def test_another_encoding_is_one_sentence(tmp_path, small):
    path = save(tmp_path / "optimizer.toml", small, "latin-1", "\n")
    with pytest.raises(ConfigError, match=r"^[^\n]*is no text in UTF-8: save it as UTF-8$"):
        load(path, {})
