"""The demo: a winter and a summer day on a simulated FEMS, by the real planner and executor."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from optimizer.analysis import sample
from optimizer.analysis.living import Lived, Scene, profile
from optimizer.fems.simulated.house import SimulatedHouse
from optimizer.sources import table

SCENES = (
    Scene("A winter day, roof on its own inverter", "winter", 2, hybrid=False, soc_percent=30),
    Scene("A summer day, hybrid inverter", "summer", 5, hybrid=True, soc_percent=20),
)


def house_now(folder: Path, hybrid: bool, soc_percent: float) -> SimulatedHouse:
    """A house that plays a folder's load and roof for ever, from now on, at today's time of day."""
    load = profile(table.read_power(folder / "load.csv", "load_w"), "load_w")
    roof = profile(table.read_power(folder / "roof.csv", "pv_w"), "pv_w")
    now = datetime.now(UTC).replace(microsecond=0)
    battery = replace(sample.BATTERY, hybrid=hybrid)
    return SimulatedHouse(
        battery, load.spiky(1), roof, now, soc_percent, max_sell_w=sample.GRID.max_sell_w
    )


def words(lived: Lived) -> list[str]:
    """A scene's money in words."""
    stored = lived.stored_eur
    lines = [
        f"bill, battery left to itself {lived.own_use_bill_eur:z6.2f} EUR",
        f"bill with the plan           {lived.bill_eur:z6.2f} EUR",
    ]
    if abs(stored) >= 0.005:
        lines.append(
            f"left in the battery          {stored:+6.2f} EUR "
            f"({'more' if stored > 0 else 'less'} than when left to itself)"
        )
    lines.append(f"saved                        {lived.saving_eur:z6.2f} EUR")
    return lines


def as_json(lived: Lived) -> Mapping[str, object]:
    """A scene's outcome as JSON data."""
    return {
        "title": lived.scene.title,
        "start": lived.plan.steps[0].start.isoformat(),
        "hybrid": lived.battery.hybrid,
        "bill_eur": round(lived.bill_eur, 4),
        "own_use_bill_eur": round(lived.own_use_bill_eur, 4),
        "stored_difference_eur": round(lived.stored_eur, 4),
        "saving_eur": round(lived.saving_eur, 4),
        "planned_saving_eur": round(lived.plan.saving_eur, 4),
    }
