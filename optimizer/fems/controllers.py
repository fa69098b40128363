"""The controllers of a FEMS that matter for us: who decides before REST, and whom REST overrules.

The order is the FEMS's own (contract of the interface, section 2.5); the first one wins. Names are
those of the factories in a configuration, and the ids that they have by default.
"""

from typing import NamedTuple


class Known(NamedTuple):
    """One kind of controller."""

    factory: str
    """Beginning of the factory's name."""
    id: str
    """Beginning of the default id."""
    above: bool
    """Whether it decides before REST in a FEMS's order."""
    meaning: str
    """What it does, for the owner."""


KNOWN = (
    Known("Controller.Ess.Limiter14a", "ctrlEssLimiter14a", True, "dimming by the grid operator"),
    Known("Controller.Ess.RippleControlReceiver", "ctrlEssRippleControlReceiver", True,
          "the ripple control receiver"),
    Known("Controller.Ess.PrepareBatteryExtension", "ctrlPrepareBatteryExtension", True,
          "preparing an extension of the battery"),
    Known("Controller.Ess.FixActivePower", "ctrlFixActivePower", True, "a fixed power"),
    Known("Controller.Ess.FixStateOfCharge", "ctrlFixStateOfCharge", True,
          "a fixed state of charge"),
    Known("Controller.Ess.SohCycle", "ctrlEssSohCycle", True, "measuring the battery's health"),
    Known("Controller.Ess.EmergencyCapacityReserve", "ctrlEmergencyCapacityReserve", True,
          "the reserve for blackouts"),
    Known("Controller.Api.ModbusTcp.ReadWrite", "ctrlApiModbusTcp", True,
          "another program over Modbus/TCP"),
    Known("Controller.Api.ModbusRtu.ReadWrite", "ctrlApiModbusRtu", True,
          "another program over Modbus/RTU"),
    Known("Controller.Clever-PV", "ctrlCleverPv", False, "clever-PV"),
    Known("Controller.Ess.GridOptimizedCharge", "ctrlGridOptimizedCharge", False,
          "grid-optimised charging (the feed-in limit)"),
    Known("Controller.Ess.Hybrid.Surplus-Feed-To-Grid", "ctrlEssSurplusFeedToGrid", False,
          "feeding in the surplus"),
    Known("Controller.Ess.Time-Of-Use-Tariff", "ctrlEssTimeOfUseTariff", False,
          "the FEMS's own tariff optimisation"),
    Known("Controller.Symmetric.PeakShaving", "ctrlPeakShaving", False, "peak shaving"),
    Known("Controller.Asymmetric.PeakShaving", "ctrlAsymmetricPeakShaving", False,
          "peak shaving"),
    Known("Controller.TimeslotPeakshaving", "ctrlTimeslotPeakshaving", False, "peak shaving"),
    Known("Controller.Symmetric.Balancing", "ctrlBalancing", False, "balancing the house"),
    Known("Controller.Asymmetric.Balancing", "ctrlAsymmetricBalancing", False,
          "balancing the house"),
)  # fmt: skip

RESERVE, TARIFF = "Controller.Ess.EmergencyCapacityReserve", "Controller.Ess.Time-Of-Use-Tariff"
GRID_OPTIMIZED = "Controller.Ess.GridOptimizedCharge"
DIMMING = "Controller.Ess.Limiter14a"


def known_by_factory(factory: str) -> Known | None:
    """The kind of a controller by its factory, None if it does not matter."""
    return next((kind for kind in KNOWN if factory.startswith(kind.factory)), None)


def known_by_id(component: str) -> Known | None:
    """The kind of a controller by its id, None if it does not matter.

    >>> known_by_id("ctrlEssLimiter14a0").meaning
    'dimming by the grid operator'
    """
    return next((kind for kind in KNOWN if component.startswith(kind.id)), None)


def above_rest(components: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the components that decide before REST, with their meaning, for a sentence.

    >>> above_rest(("ctrlBalancing0", "ctrlEmergencyCapacityReserve0"))
    ('ctrlEmergencyCapacityReserve0 (the reserve for blackouts)',)
    """
    kinds = ((component, known_by_id(component)) for component in components)
    return tuple(f"{id_} ({kind.meaning})" for id_, kind in kinds if kind and kind.above)
