"""The device's idea of JSON."""

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.simulation.fems.java_parsing import MalformedError, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"value":1000}', {"value": 1000}),
        ("{ 'value': 5000 }", {"value": 5000}),
        ("{value:700}", {"value": 700}),
        ("{value=-7;other=[]}", {"value": -7, "other": []}),
        ('{"value":1e3}', {"value": 1000.0}),
        ('{"value":NaN}', {"value": "NaN"}),
        ('{"value":007}', {"value": "007"}),
        ('{"value":TRUE}', {"value": True}),
        ('{"value":null}', {"value": None}),
        ('{"value":{"a":[1,2.5]}}', {"value": {"a": [1, 2.5]}}),
        ("{}", {}),
        ("[1]", [1]),
        ("", None),
        (" \n ", None),
        (r'"a\n\"\u00e4\/"', 'a\n"ä/'),
        (r"'it\'s'", "it's"),
    ],
)
def test_readable_texts(text, value):
    assert parse(text) == value


def test_an_endless_number_is_a_text():
    assert parse("9" * 500) == "9" * 500
    assert parse("1e999") == math.inf


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"value":', "java.io.EOFException: End of input at line 1 column 10 path $.value"),
        ("{", "java.io.EOFException: End of input at line 1 column 2 path $."),
        ("[1,", "java.io.EOFException: End of input at line 1 column 4 path $[1]"),
        ("{\n'a'\n1}", "Expected ':' at line 3 column 1 path $.a"),
        ("{,}", "Expected name at line 1 column 2 path $."),
        ("{'a':}", "Expected value at line 1 column 6 path $.a"),
        ("{'a':1]", "Unterminated object"),
        ("[1}", "Unterminated array"),
        ('{"a', "Unterminated string"),
        ("{a:x y}", "Unterminated object"),
        ("{'a':1} x", "Did not consume the entire document."),
        ("[" * 300, "Nesting limit reached"),
    ],
)
def test_faults_are_worded_like_the_devices(text, fault):
    with pytest.raises(MalformedError) as caught:
        parse(text)
    assert fault in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("aä1 '\"\\\n:{", max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner),
        max_leaves=8,
    )
)
def test_proper_json_is_read_properly(value):
    assert parse(json.dumps(value)) == value
    assert parse(json.dumps(value, ensure_ascii=False, indent=1)) == value


@given(st.text(alphabet="{}[]:,;='\"\\ \n1-.eatrue", max_size=30))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(MalformedError):
        parse(text)
