"""Identity of a FEMS: its components, and serial numbers where it shows them.

Addresses wander (DHCP), and two devices of one kind may hang in one network. Before anything is
written it is compared with what answered before.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from optimizer.errors import DataError
from optimizer.fems.channels import Value, Values, alternation
from optimizer.model.printable import printable

COMPONENTS = r"(ess|battery|batteryInverter|charger|meter|pvInverter).*"
"""Pattern of the ids of the hardware; apps, which come and go, are none of it."""

NAMED = 3
"""Most components that a sentence names."""

CHANNELS = alternation(("State", "Capacity", "SerialNumber"))


@dataclass(frozen=True, slots=True)
class Identity:
    """A FEMS as it was seen."""

    components: frozenset[str]
    facts: Mapping[str, str]
    """Serial numbers and capacities, by address; what was not known is missing."""

    def differs_from(self, other: "Identity") -> str | None:
        """In what, as a part of a sentence; None if it may be the same device.

        >>> small = Identity(frozenset({"ess0"}), {"ess0/Capacity": "11000"})
        >>> Identity(frozenset({"ess0"}), {"ess0/Capacity": "22000"}).differs_from(small)
        'its ess0/Capacity is 22000 instead of 11000'
        """
        for address in sorted(self.facts.keys() & other.facts.keys()):
            if self.facts[address] != other.facts[address]:
                mine, theirs = printable(self.facts[address]), printable(other.facts[address])
                return f"its {address} is {mine} instead of {theirs}"
        more, fewer = self.components - other.components, other.components - self.components
        if more:
            return f"it also has {_some(more)}"
        if fewer:
            return f"it lacks {_some(fewer)}"
        return None

    def to_text(self) -> str:
        """For the store.

        >>> Identity.from_text(Identity(frozenset({"ess0"}), {}).to_text()).components
        frozenset({'ess0'})
        """
        data = {"components": sorted(self.components), "facts": dict(self.facts)}
        return json.dumps(data, sort_keys=True)

    @staticmethod
    def from_text(text: str) -> "Identity":
        """From the store.

        Raises
        ------
        DataError
            If it is no identity.
        """
        try:
            data = json.loads(text)
            return Identity(frozenset(data["components"]), dict(data["facts"]))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError("the store's note of the FEMS cannot be read") from error


def _some(names: frozenset[str]) -> str:
    """The first names of a set, and how many more there are.

    >>> _some(frozenset({"ess3", "ess0", "ess1", "ess2"}))
    'ess0, ess1, ess2 and 1 more'
    """
    first = ", ".join(sorted(names)[:NAMED])
    return first if len(names) <= NAMED else f"{first} and {len(names) - NAMED} more"


def identity_of(values: Values) -> Identity:
    """The identity in what was read."""
    components = {address.partition("/")[0] for address in values}
    return Identity(
        frozenset(components),
        {a: str(v) for a, v in values.items() if _is_fact(a, v)},
    )


def _is_fact(address: str, value: Value) -> bool:
    return not address.endswith("/State") and value not in (None, "", 0)
