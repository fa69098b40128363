"""A first configuration as a commented TOML file: what is needed, and all else as comments.

The sentences are those of the reference: the docstrings of the sections' fields.
"""

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from optimizer.config.reference import about, schema, sentences_of
from optimizer.config.section_keys import keys_of, section_in, sections_of
from optimizer.config.sections import Config

WIDTH = 96

ORDER = ("fems", "battery", "grid", "prices", "tariff", "tariff.export", "pv", "load", "planning",
         "control")  # fmt: skip
"""Sections in the order of the file; the rest is in `KEYS.md`."""

HEAD = """\
# Configuration of the optimizer, made by 'optimizer init'. Lines behind a # are other keys with
# their defaults. 'optimizer check' looks at everything, 'optimizer plan' makes a plan.
"""


class Verbatim(str):
    """A value that is TOML already."""

    __slots__ = ()


Sections = Mapping[str, Mapping[str, Any]]
"""Values to be written, by section and key."""


def text(values: Sections, notes: Mapping[str, str]) -> str:
    """The file's text.

    Parameters
    ----------
    values
        Values by section ("battery", "tariff.export") and key.
    notes
        Remarks behind values, by "section.key": what was assumed, where it came from.
    """
    classes = {".".join(path): section for path, section in sections_of(Config)}
    parts = [HEAD, _whole_line("site", values.get("", {}).get("site", "home"), ""), ""]
    for name in ORDER:
        parts += _section(name, classes[name], values.get(name), notes)
    return "\n".join(parts)


def _section(
    name: str, section: type, given: Mapping[str, Any] | None, notes: Mapping[str, str]
) -> list[str]:
    """One section; without given values wholly as comments."""
    sentences, defaults = sentences_of(section), _defaults(section)
    lines = _comment(about(section))
    lines.append(f"[{name}]" if given is not None else f"# [{name}]")
    given = given or {}
    for key, value in given.items():
        lines += _comment(sentences[key])
        lines.append(_whole_line(key, value, notes.get(f"{name}.{key}", "")))
    for key, kind in keys_of(section).items():
        if key in given or section_in(kind) is not None:
            continue
        lines += _comment(sentences[key])
        value = _toml(defaults[key]) if defaults.get(key) is not None else "..."
        lines.append(f"# {key} = {value}")
    return [*lines, ""]


def _defaults(section: type) -> Mapping[str, Any]:
    """Defaults of a section's keys, as the JSON Schema has them."""
    made = schema()["$defs"][section.__name__]["properties"]
    return {key: item.get("default") for key, item in made.items()}


def _comment(sentence: str) -> list[str]:
    return textwrap.wrap(
        sentence, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )


def _whole_line(key: str, value: object, note: str) -> str:
    line = f"{key} = {_toml(value)}"
    return f"{line:<36} # {note}" if note else line


def _toml(value: object) -> str:
    """A value as TOML; thousands are grouped."""
    if isinstance(value, Verbatim):
        return str(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:_.10g}" if abs(value) < 1e9 else f"{value:.10g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(str(value), ensure_ascii=False)
