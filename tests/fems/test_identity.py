"""What tells one FEMS from another."""

import pytest

from optimizer.errors import DataError
from optimizer.fems.identity import Identity, identity_of

SEEN = {
    "ess0/State": 0, "ess0/Capacity": 22_000, "battery0/State": 1, "battery0/SerialNumber": "B-7",
    "charger0/State": None,
}  # fmt: skip


def test_states_are_no_facts_and_what_is_unknown_is_none():
    identity = identity_of(SEEN | {"battery0/SerialNumber": None, "ess0/Capacity": 0})
    assert identity == Identity(frozenset({"ess0", "battery0", "charger0"}), {})
    assert identity_of(SEEN).facts == {"ess0/Capacity": "22000", "battery0/SerialNumber": "B-7"}


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({}, None),
        ({"ess0/State": 3, "battery0/SerialNumber": None}, None),  # it has just been started
        ({"battery0/SerialNumber": "B-8"}, "its battery0/SerialNumber is B-8 instead of B-7"),
        ({"charger1/State": 0}, "it also has charger1"),
    ],
)
def test_another_device_is_told_by_what_differs(changes, difference):
    assert identity_of(SEEN | changes).differs_from(identity_of(SEEN)) == difference


def test_a_missing_component_is_told():
    fewer = {address: value for address, value in SEEN.items() if "charger" not in address}
    assert identity_of(fewer).differs_from(identity_of(SEEN)) == "it lacks charger0"


def test_it_survives_the_store_and_nonsense_is_refused():
    assert Identity.from_text(identity_of(SEEN).to_text()) == identity_of(SEEN)
    for text in ("{", "[]", '{"components": 5, "facts": {}}', '{"components": []}'):
        with pytest.raises(DataError, match="cannot be read"):
            Identity.from_text(text)
