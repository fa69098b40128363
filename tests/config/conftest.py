"""Configuration files written for one test."""

import os

import pytest

SMALL = """
[fems]
url = "http://192.168.0.23"
password = "env:FEMS_PASSWORD"

[battery]
capacity_wh = 22_000
"""

SECRET = "xyzzy-plugh-42"


@pytest.fixture
def secret():
    """A password that must not show anywhere."""
    return SECRET


@pytest.fixture
def environment():
    return {"FEMS_PASSWORD": SECRET}


@pytest.fixture
def small():
    """The least that a configuration holds."""
    return SMALL


@pytest.fixture(autouse=True)
def umask():
    """Files of these tests are their owner's alone, as secrets have to be, unless they say more."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def config_file(tmp_path):
    """Write a configuration that only its owner can read, and return its path."""

    def write(text, mode=0o600):
        path = tmp_path / "optimizer.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    return write
