"""Numbers of flags, arguments and questions outside their range: one sentence in our own words."""

import pytest
import typer

from optimizer.cli.app import app
from optimizer.cli.flag_faults import typed_number
from optimizer.errors import ExitCode


def commands(command, path=()):
    """Names and parsers of all commands, those of groups too."""
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))
    if not hasattr(command, "commands"):
        yield path, command


NUMERIC = [
    (path, parameter)
    for path, command in commands(typer.main.get_command(app))
    for parameter in command.params
    if parameter.type_descriptor.annotation in (int, float)
]
"""Every flag and argument of every command that is a number."""

BEFORE = {("fems", "set"): ["SetActivePowerEquals"]}
"""Arguments that stand before a numeric one."""


def refused(parameter):
    """Values that a parameter refuses, each with the rest of its sentence."""
    whole = parameter.type_descriptor.annotation is int
    yield "x", "should be a whole number" if whole else "should be a number"
    yield "", "should be a whole number" if whole else "should be a number"
    if whole:
        yield "1.5", "should be a whole number"
    if parameter.min is not None:
        yield str(parameter.min - 1), f"should be at least {parameter.min:.12g}"
    if parameter.max is not None:
        most = f"{parameter.max:.12g}"
        yield str(parameter.max + 1), f"should be at most {most}"
        yield "9" * 4_000, f"should be at most {most}"
        if not whole:
            yield "nan", f"should be at most {most}"
            yield "inf", f"should be at most {most}"


CASES = [
    pytest.param(path, parameter, value, words, id=f"{' '.join(path)} {parameter.name} {value[:9]}")
    for path, parameter in NUMERIC
    for value, words in refused(parameter)
]


def test_numbers_of_all_kinds_are_found():
    found = {(*path, parameter.name) for path, parameter in NUMERIC}
    assert {("plan", "soc"), ("fems", "set", "value"), ("override", "charge", "power")} <= found
    assert len(CASES) > 60


@pytest.mark.parametrize(("path", "parameter"), NUMERIC)
def test_every_number_with_a_point_has_both_ends(path, parameter):
    if parameter.type_descriptor.annotation is float:  # else nan and inf get through
        assert None not in (parameter.min, parameter.max), (path, parameter.name)


@pytest.mark.parametrize(("path", "parameter", "value", "words"), CASES)
def test_a_number_outside_its_range_is_one_sentence(in_process, path, parameter, value, words):
    flag = [parameter.opts[0]] if parameter.opts[0].startswith("--") else ["--"]
    before = [] if flag == ["--"] else flag
    done = in_process(*path, *BEFORE.get(path, []), *(before or flag), value)
    assert done.returncode == ExitCode.USAGE
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert f": {words} (it is {value[:60]!r}"[:-1] in sentence
    assert "Input" not in done.stderr
    assert len(sentence) < 200


def test_a_choice_keeps_its_list(in_process):
    done = in_process("simulate", "--era", "2011")
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.splitlines()[-1] == (
        "Error: Invalid value for '--era': '2011' is not one of '2023', '2025'."
    )


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("x", "should be a number (it is 'x')"),
        ("", "should be a number (it is '')"),
        ("-1", "should be at least 0 (it is '-1')"),
        ("96", "should be at most 95 (it is '96')"),
        ("nan", "should be at most 95 (it is 'nan')"),
        ("9" * 400, f"should be at most 95 (it is '{'9' * 80}...')"),
    ],
)
def test_a_typed_number_is_refused_in_the_same_words(typed, words):
    with pytest.raises(typer.BadParameter) as refusal:
        typed_number(0, 95)(typed)
    assert refusal.value.message == words
    assert [typed_number(0, 95)(value) for value in ("0", 95.0, " 7.5 ")] == [0.0, 95.0, 7.5]
