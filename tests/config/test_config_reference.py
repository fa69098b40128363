"""The reference of the keys: one sentence each, the page, the JSON Schema, and no second truth."""

import inspect
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from pathlib import Path

import jsonschema
import pytest
from pydantic import SecretStr

from optimizer.config import loading, reference
from optimizer.config.section_keys import keys_of, section_in, sections_of
from optimizer.config.sections import Config

FOLDER = Path(loading.__file__).parent
SECTIONS = list(sections_of(Config))
KEYS = [(path, section, key) for path, section in SECTIONS for key in keys_of(section)]
IDS = [".".join((*path, key)) for path, _, key in KEYS]


@pytest.mark.parametrize(("path", "section", "key"), KEYS, ids=IDS)
def test_every_key_has_one_sentence(path, section, key):
    sentence = reference.sentences_of(section).get(key, "")
    assert re.fullmatch(r"[A-Z].*\.", sentence), "write a docstring under the field"
    assert not re.search(r"[.!?] [A-Z]", sentence), "one sentence"


@dataclass(frozen=True)
class Bare:
    told: int = 0
    """A key with a sentence."""
    untold: int = 0


def test_a_key_without_a_sentence_is_seen():
    assert reference.sentences_of(Bare) == {"told": "A key with a sentence."}


UNITS = {
    "_eur_per_kwh_h": "EUR/kWh/h", "eur_per_kwh": "EUR/kWh", "eur_per_kw": "EUR/kW", "_wh": "Wh",
    "_kwh": "kWh", "_w": "W", "_percent": "%", "_s": "s", "_h": "h", "_minutes": "min",
    "_days": "d", "_degrees": "degrees",
}  # fmt: skip


@pytest.mark.parametrize(("path", "section", "key"), KEYS, ids=IDS)
def test_the_unit_of_a_name_is_that_of_its_sentence(path, section, key):
    by_name = next((unit for end, unit in UNITS.items() if key.endswith(end)), None)
    if by_name is not None:
        assert reference.unit_of(reference.sentences_of(section)[key]) == by_name


@pytest.mark.parametrize("section", [section for _, section in SECTIONS])
def test_a_key_is_defined_once(section):
    defined = [name for base in section.__mro__ for name in inspect.get_annotations(base)]
    twice = {name for name in defined if defined.count(name) > 1}
    assert twice <= {"hybrid", "section"}  # "auto" is decided before the model; a constant


def test_the_page_is_what_the_script_prints():
    printed = subprocess.run(
        [sys.executable, "-m", "optimizer.config.reference"], capture_output=True, text=True,
        check=True, timeout=60,
    ).stdout  # fmt: skip
    assert (FOLDER / "KEYS.md").read_text() == printed, (
        "python -m optimizer.config.reference > optimizer/config/KEYS.md"
    )
    for path, section, key in KEYS:
        assert section_in(keys_of(section)[key]) or f"| `{key}` |" in printed, (path, key)


def test_the_command_prints_the_schema_without_a_configuration(tmp_path):
    printed = subprocess.run(
        [sys.executable, "-m", "optimizer", "check", "--schema"], capture_output=True, text=True,
        check=True, timeout=60, cwd=tmp_path,
    ).stdout  # fmt: skip
    assert json.loads(printed) == reference.schema()


def as_json(value):
    """TOML's dates and times as JSON Schema's texts."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value


@pytest.fixture(scope="module")
def schema():
    made = reference.schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def test_the_schema_accepts_the_example(schema):
    schema.validate(as_json(tomllib.loads((FOLDER / "example.toml").read_text())))


@pytest.mark.parametrize(
    "text",
    [
        "capacity = 1",
        "min_soc_percent = 101",
        'hybrid = "maybe"',
        "charge_taper = [[90, 5000, 1]]",
        "[pv]\nplanes = [{ kwp = 9.9, tilt = 3 }]",
        "[[tariff.change]]\nlevies_eur_per_kwh = 0.1",
        "[[tariff.window]]\nfrom = 10\nto = '12:00'\ngrid_fee_eur_per_kwh = 0.1",
        "[tariff]\nstated = true",
        "[tariff.peak]\neur_per_kw = 5\nzone = 'UTC'",
        "[load]\nurl = 'http://x:y@nas'",
    ],
)
def test_schema_and_program_refuse_the_same(schema, small, config_file, environment, text):
    with pytest.raises(loading.ConfigError):
        loading.load(config_file(small + text), environment)
    assert not schema.is_valid(as_json(tomllib.loads(small + text)))
    assert schema.is_valid(tomllib.loads(small))


def test_the_schema_has_units_ranges_defaults_and_secrets():
    kinds = reference.schema()["$defs"]
    assert kinds["BatterySection"]["properties"]["max_charge_w"] == {
        "description": "Largest charging power on the AC side, a magnitude [W].",
        "x-unit": "W", "type": "number", "minimum": 0, "maximum": 1_000_000, "default": 10_000,
    }  # fmt: skip
    assert kinds["BatterySection"]["required"] == ["capacity_wh"]
    assert kinds["PriceSettings"]["properties"]["tibber_token"]["format"] == "password"
    assert "default" not in kinds["TariffChange"]["properties"]["vat_percent"]


def test_all_secrets_and_paths_are_known():
    secret, path = set(), set()
    for place, section in SECTIONS:
        for item in fields(section):
            kind = str(keys_of(section).get(item.name, ""))
            if SecretStr.__name__ in kind or (kind and not item.repr):
                secret.add((*place, item.name))
            if "pathlib.Path" in kind:
                path.add((*place, item.name))
    assert secret == set(loading.SECRETS)
    assert path == set(loading.PATHS)


def test_the_dataclasses_do_without_pydantic():
    code = (
        "import sys, optimizer.model.tariff, optimizer.model.grid, optimizer.model.battery, "
        "optimizer.sources.source_settings; print([n for n in sys.modules if 'pydantic' in n])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
