"""The demo's HTML file: the plan, what happened, what it saved; no script, no network."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from optimizer.report import picture_inputs
from optimizer.report.html import environment, phase_rows
from optimizer.report.picture import draw
from optimizer.report.picture_inputs import Picture
from optimizer.simulation import sample_data
from optimizer.simulation.http_simulation import SimulationResult


def _picture(simulated: SimulationResult, day: str) -> Markup:
    """The simulated time as it was metered, over the plan of its first midnight."""
    quarters, battery = simulated.quarters, simulated.battery
    begin, end = quarters[0].reading.start, quarters[-1].reading.end
    metered = picture_inputs.of_simulation(
        quarters, simulated.self_consumption, battery.capacity_wh
    )
    planned = picture_inputs.of_plan(simulated.plan, battery.capacity_wh, sample_data.ZONE)
    return draw(Picture(
        f"Prices, powers and stored energy, {day}", begin, end, sample_data.ZONE,
        **metered, planned_percent=planned["planned_percent"], bands=planned["bands"],
        lowest_percent=battery.min_soc_percent, highest_percent=battery.max_soc_percent,
    ))  # fmt: skip


def _scene(simulated: SimulationResult) -> dict[str, Any]:
    """Template values of one simulated day."""
    start = simulated.quarters[0].reading.start
    day = f"{start.astimezone(sample_data.ZONE):%A %-d %B %Y}"
    return {
        "simulated": simulated,
        "day": day,
        "picture": _picture(simulated, day),
        "rows": phase_rows(simulated.plan, simulated.battery.capacity_wh, sample_data.ZONE),
    }


def render(scenes: Sequence[SimulationResult]) -> str:
    """The whole file as text."""
    template = environment().get_template("report.html")
    return template.render(scenes=[_scene(simulated) for simulated in scenes])
