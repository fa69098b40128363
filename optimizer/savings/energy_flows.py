"""Energy between grid, PV, battery and house in a quarter-hour, and what German rules need; pure.

Rule of the flows, applied at each reading of the executor (`control/compliance.py`): while the
house buys, what the battery is charged with comes from the grid, up to what is bought; while it
sells, what the battery gives goes to the grid, up to what is sold. The rest of the charge is PV,
the rest of the discharge is the house's, and so is the rest of what is bought.
They add up to the meters exactly:

    drawn      = grid to battery + grid to house
    fed        = battery to grid + PV to grid
    charged    = grid to battery + PV to battery
    discharged = battery to grid + battery to house
    PV         = PV to battery + PV to grid + PV to house

Battery energies are AC-referred, in the FEMS's own accounting (AC power minus the PV behind the
inverter). They are a device's values: for a settlement those of calibrated meters count.
"""

from typing import NamedTuple

from optimizer.model.quarter_energy import QuarterEnergy


class EnergyFlows(NamedTuple):
    """Energies of a quarter-hour from one place to another [Wh]."""

    grid_to_battery_wh: float
    grid_to_house_wh: float
    pv_to_battery_wh: float
    pv_to_grid_wh: float
    pv_to_house_wh: float | None
    """None where the PV power was not known all the time."""
    battery_to_grid_wh: float
    battery_to_house_wh: float


class DelimitedEnergies(NamedTuple):
    """Quarter-hour quantities of the delimitation option for an AC-coupled battery alone [Wh].

    Bundesnetzagentur, Festlegung zur Marktintegration von Speichern und Ladepunkten (MiSpeL), Az.
    618-25-02 of 2026-10-01, Anlage 1 (Abgrenzungsoption), numbers and pages as there: Z1 is the
    meter at the connection (NB drawn, NE fed), Z2 the battery's (V charged, E discharged). The
    months' sums and what follows from them are settled with the grid operator. The flat-rate option
    (Anlage 2) needs `drawn_wh` and `fed_wh` and, by the quarter-hour, whether the spot price is at
    least 0.
    """

    mispel_1_wh: float
    """(1) = MIN[Z1NB; Z2V], p. 33: drawn and stored at once."""
    mispel_2_wh: float
    """(2) = MIN[Z1NE; Z2E], p. 34: fed from the battery at once."""
    mispel_23_wh: float
    """(23) = Z1NE - (2), p. 38: fed directly from the PV system."""


def flows(quarter: QuarterEnergy) -> EnergyFlows:
    """Flows of a quarter-hour by the rule above."""
    pv_to_battery_wh = quarter.charged_wh - quarter.bought_wh
    pv_to_grid_wh = quarter.fed_wh - quarter.sold_wh
    return EnergyFlows(
        grid_to_battery_wh=quarter.bought_wh,
        grid_to_house_wh=quarter.drawn_wh - quarter.bought_wh,
        pv_to_battery_wh=pv_to_battery_wh,
        pv_to_grid_wh=pv_to_grid_wh,
        pv_to_house_wh=(
            None if quarter.pv_wh is None else quarter.pv_wh - pv_to_battery_wh - pv_to_grid_wh
        ),
        battery_to_grid_wh=quarter.sold_wh,
        battery_to_house_wh=quarter.discharged_wh - quarter.sold_wh,
    )


def delimited(quarter: QuarterEnergy) -> DelimitedEnergies:
    """Quantities (1), (2) and (23) of a quarter-hour."""
    from_battery_wh = min(quarter.fed_wh, quarter.discharged_wh)
    return DelimitedEnergies(
        min(quarter.drawn_wh, quarter.charged_wh),
        from_battery_wh,
        quarter.fed_wh - from_battery_wh,
    )
