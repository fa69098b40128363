"""The canary over the whole suite sings: a test that tells a secret fails."""

import pytest

pytest_plugins = ["pytester"]

REPORTING = """
import logging

def test_prints():
    print("login kanari3nvogel")

def test_logs():
    logging.getLogger("x").warning("Basic %s", "eDpvd25lcg==")

def test_is_quiet():
    print("nothing to see")
"""


@pytest.mark.reveals_a_secret
def test_a_test_that_tells_a_secret_fails(pytester, request):
    pytester.makeconftest((request.config.rootpath / "tests" / "conftest.py").read_text())
    pytester.makepyfile(REPORTING)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=2)
