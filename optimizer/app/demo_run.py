"""The demo: a winter and a summer day on a simulated FEMS, by the real planner and executor."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from optimizer.simulation import sample_data
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.http_simulation import DemoDay, SimulationResult, profile, simulate_days
from optimizer.sources import owner_csv

SCENES = (
    DemoDay("A winter day, roof on its own inverter", "winter", 2, hybrid=False, soc_percent=30),
    DemoDay("A summer day, hybrid inverter", "summer", 5, hybrid=True, soc_percent=20),
)


def house_now(folder: Path, hybrid: bool, soc_percent: float) -> SimulatedHouse:
    """A simulated house from now on, which repeats a folder's load and PV at their time of day."""
    load = profile(owner_csv.read_power(folder / "load.csv", "load_w"), "load_w")
    pv = profile(owner_csv.read_power(folder / "roof.csv", "pv_w"), "pv_w")
    now = datetime.now(UTC).replace(microsecond=0)
    battery = replace(sample_data.BATTERY, hybrid=hybrid)
    return SimulatedHouse(
        battery, load.spiky(1), pv, now, soc_percent, max_sell_w=sample_data.GRID.max_sell_w
    )


def run_demo(days: int, seed: int) -> Iterator[SimulationResult]:
    """Simulate each of the demo's days in turn, with a store of its own."""
    data = sample_data.folder()
    for scene in SCENES:
        with tempfile.TemporaryDirectory() as store:
            yield simulate_days(scene, data, Path(store), days, seed)


def bill_lines(simulated: SimulationResult) -> list[str]:
    """Bills and saving of a simulated day, as lines for people."""
    stored = simulated.stored_eur
    lines = [
        f"bill, battery left to itself {simulated.self_consumption_bill_eur:z6.2f} EUR",
        f"bill with the plan           {simulated.bill_eur:z6.2f} EUR",
    ]
    if abs(stored) >= 0.005:
        lines.append(
            f"left in the battery          {stored:+6.2f} EUR "
            f"({'more' if stored > 0 else 'less'} than when left to itself)"
        )
    worn = simulated.worn_eur
    if abs(worn) >= 0.005:
        lines.append(f"wear of the battery          {worn:+6.2f} EUR (against left to itself)")
    lines.append(f"saved                        {simulated.saving_eur:z6.2f} EUR")
    return lines


def as_json(simulated: SimulationResult) -> Mapping[str, object]:
    """The result of a simulated day as JSON data."""
    return {
        "title": simulated.scene.title,
        "start": simulated.plan.steps[0].start.isoformat(),
        "hybrid": simulated.battery.hybrid,
        "bill_eur": round(simulated.bill_eur, 4),
        "self_consumption_bill_eur": round(simulated.self_consumption_bill_eur, 4),
        "stored_difference_eur": round(simulated.stored_eur, 4),
        "worn_difference_eur": round(simulated.worn_eur, 4),
        "saving_eur": round(simulated.saving_eur, 4),
        "planned_saving_eur": round(simulated.plan.saving_eur, 4),
    }
