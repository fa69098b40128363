"""Reference of the configuration: its JSON Schema, and the page of all keys.

Both are printed from the sections' dataclasses. A key's sentence is the docstring under its field,
a section's the first paragraph of its class's; units stand in the sentences, in square brackets.
`python -m optimizer.config.reference > optimizer/config/KEYS.md` makes the page.
"""

import ast
import functools
import inspect
import re
import sys
from dataclasses import is_dataclass
from typing import Any

from pydantic import TypeAdapter

from optimizer.config.loading import PARTS, SECRETS
from optimizer.config.section_keys import keys_of, section_in, sections_of
from optimizer.config.sections import Config
from optimizer.model.currency import CURRENCIES, EUR
from optimizer.model.tariff import TariffChange

DRAFT = "https://json-schema.org/draft/2020-12/schema"
SECRET = {"format": "password", "writeOnly": True}
UNIT = re.compile(r"(?<!`)\[([A-Za-z%/]+)\]")
INTRODUCTION = """# Keys of the configuration

All keys of `optimizer.toml`, section by section; see also [a whole example](example.toml). The
sources' names, and the keys that each source needs, are in the
[sources](SOURCES.md).

A secret is the text itself (the file is then readable by its owner only), `"env:NAME"`, or
`"file:NAME"`; a relative path starts at the configuration's folder. Unknown keys are errors.
Amounts are in the currency of `[prices]`: names of keys, columns and JSON say `eur` in any. Their
ranges and defaults are those of EUR, and in another currency so many times: {sizes}.
`optimizer check --schema` prints the keys as a JSON Schema, with which editors complete and check.

This page is printed by `python -m optimizer.config.reference`.
"""


@functools.cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[module]))


def sentences_of(section: type) -> dict[str, str]:
    """Sentences of a section's keys: the docstrings of its fields, else of the keys' own sections.

    A key without a sentence is left out.
    """
    found = {}
    for base in filter(is_dataclass, reversed(section.__mro__)):
        (body,) = (
            node.body
            for node in _tree(base.__module__).body
            if isinstance(node, ast.ClassDef) and node.name == base.__name__
        )
        for node, after in zip(body, [*body[1:], None], strict=True):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                text = _docstring(after)
                if text is not None:
                    found[node.target.id.rstrip("_")] = text
    keys = keys_of(section).items()
    inner = {key: about(there) for key, kind in keys if (there := section_in(kind)) is not None}
    return inner | {key: text for key, text in found.items() if key in dict(keys)}


def _docstring(node: ast.stmt | None) -> str | None:
    """The text of a statement that is nothing but a text."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return " ".join(str(node.value.value).split())
    return None


def about(section: type) -> str:
    """Sentence of a section."""
    return " ".join((inspect.getdoc(section) or "").partition("\n\n")[0].split())


def unit_of(sentence: str) -> str | None:
    """Unit of a key: what its sentence has in square brackets.

    >>> unit_of("Largest power [W] of the `[grid]`.")
    'W'
    """
    units = UNIT.findall(sentence)
    return units[0] if len(units) == 1 else None


def schema() -> dict[str, Any]:
    """JSON Schema of the configuration, with descriptions, units (`x-unit`), ranges, defaults."""
    made = TypeAdapter(Config).json_schema()
    kinds = made.pop("$defs")
    for path, section in sections_of(Config):
        described = kinds[section.__name__] if path else made
        described |= {"description": about(section), "additionalProperties": False}
        described["properties"] = _properties(section, described["properties"])
        for key in (key for (*outer, key) in SECRETS if tuple(outer) == path):
            described["properties"][key] |= SECRET
    for key in PARTS:
        kinds[TariffChange.__name__]["properties"][key].pop("default", None)  # stays as it was
    for kind in (made, *kinds.values()):
        kind.pop("title")
    return {"$schema": DRAFT, "title": "optimizer.toml"} | made | {"$defs": kinds}


def _properties(section: type, made: dict[str, Any]) -> dict[str, Any]:
    """Properties of a section, each with its sentence and unit."""
    sentences = sentences_of(section)
    found = {}
    for key in keys_of(section):
        unit = unit_of(sentences[key])
        found[key] = {"description": sentences[key]} | ({"x-unit": unit} if unit else {})
        found[key] |= _without_null(made[key])
    return found


def _without_null(made: dict[str, Any]) -> dict[str, Any]:
    """A property without pydantic's title and without null, which TOML does not have."""
    kept = {key: value for key, value in made.items() if key != "title"}
    if "default" in kept and kept["default"] is None:
        del kept["default"]
        kinds = [kind for kind in kept.pop("anyOf") if kind != {"type": "null"}]
        kept |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    return kept


def page() -> str:
    """The page of all keys, as Markdown."""
    whole = schema()
    sizes = ", ".join(f"{one.code} {one.size:g}" for one in CURRENCIES.values() if one != EUR)
    parts, printed = [INTRODUCTION.format(sizes=sizes)], set[type]()
    for path, section in sections_of(Config):
        if section in printed:
            continue
        printed.add(section)
        described = whole["$defs"][section.__name__] if path else whole
        rows = [
            f"| `{key}` | {_values(item, whole)} | {_default(key, item, described)} "
            f"| {item['description']} |"
            for key, item in described["properties"].items()
            if not _is_section(item, whole)
        ]
        if rows:
            table = ["| key | values | default | meaning |", "|---|---|---|---|", *rows]
            head = f"## {_header(path)}\n\n{described['description']}"
            parts.append("\n".join([head, "", *table, ""]))
    return "\n".join(parts)


def _header(path: tuple[str, ...]) -> str:
    """Header of a section in the file; of a list of tables with two brackets."""
    if not path:
        return "Top of the file"
    section: type = Config
    for key in path[:-1]:
        inner = section_in(keys_of(section)[key])
        assert inner is not None  # noqa: S101 for the type checker
        section = inner
    many = "tuple" in str(keys_of(section)[path[-1]])
    name = ".".join(path)
    return f"`[[{name}]]`" if many else f"`[{name}]`"


def _is_section(item: dict[str, Any], whole: dict[str, Any]) -> bool:
    """Property that is a section, or a list of sections."""
    found = item.get("$ref") or item.get("items", {}).get("$ref", "")
    return "properties" in whole["$defs"].get(found.rpartition("/")[2], {})


def _default(key: str, item: dict[str, Any], section: dict[str, Any]) -> str:
    if key in section.get("required", ()):
        return "required"
    return f"`{_toml(item['default'], 'x-unit' in item)}`" if "default" in item else ""


def _toml(value: object, grouped: bool = False) -> str:
    """A value as TOML; digits are grouped for quantities."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, int | float):
        return f"{value:_.10g}" if grouped else f"{value:.10g}"
    return f'"{value}"'


KINDS = {
    "boolean": "true, false", "string": "text", "array": "list", "integer": "whole number",
    "object": "table of text",
}  # fmt: skip
FORMATS = {"date": "date", "date-time": "moment", "path": "path", "password": "secret"}


def _values(item: dict[str, Any], whole: dict[str, Any]) -> str:
    """Values of a property: kind or range, and unit."""
    if "$ref" in item:
        item = whole["$defs"][item["$ref"].rpartition("/")[2]]
    if "anyOf" in item:
        return " or ".join(_values(kind, whole) for kind in item["anyOf"]) + _unit(item)
    if "const" in item or "enum" in item:
        names = item.get("enum", [item.get("const")])
        return ", ".join(f"`{_toml(name)}`" for name in names) + _unit(item)
    if "minimum" in item:
        limits = item.get("x-eur") or [item["minimum"], item["maximum"]]
        ends = (_toml(limit, "x-unit" in item) for limit in limits)
        return " to ".join(ends) + _unit(item)
    if item["type"] == "array" and "type" in item["items"] and "prefixItems" not in item["items"]:
        return f"list of {_values(item['items'], whole)}"
    return FORMATS.get(item.get("format", ""), KINDS[item["type"]])


def _unit(item: dict[str, Any]) -> str:
    return f" {item['x-unit']}" if "x-unit" in item else ""


if __name__ == "__main__":
    sys.stdout.write(page())
