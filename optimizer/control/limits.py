"""The battery power that rule, connection, inverter and device allow at this moment; pure.

A set-point stands until the next write. What house and roof do meanwhile (a kettle, a cloud) goes
through the meter, and the FEMS's own peak shaving and feed-in limit are switched off by it. So
each limit is kept with a margin:

- *The legal rule* by `BIAS_W` on the side that costs less. Where that is not enough, or where the
  FEMS left alone would come nearer to what is wanted, nothing is held: it follows the meter every
  second (see `decide`), and `compliance` ends what has leaked too much.
- *The connection* by the highest need of the last minutes and `MARGIN_W`. A kettle that switches on
  between two cycles passes the limit for one cycle, 10 s: a fuse carries a tenth more for an hour
  (IEC 60269: 1.25 times its current without melting), and in a quarter-hour's mean, by which peaks
  are billed, 2.5 kW for 10 s are 28 W. Ten seconds later it is in the need, and it stays there
  for some minutes, so that an oven that switches every half minute is met once, not each time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from optimizer.control.reading import Reading
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid

BIAS_W = 50.0
"""Distance from the legal rule that the meter is held to. Of 50 to 100 W the least: a hybrid that
keeps room charges with it, so 100 W cost 2 ct on a summer day that sells for 8 ct a kWh."""

MARGIN_W = 100.0
"""Distance from the connection's limits."""

FORGET_W_PER_S = 10.0
"""A peak of the house's need fades at this pace: a kettle of 2.5 kW is forgotten in 4 minutes."""


INSTANT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Peak:
    """The newest peak of the battery power that would bring the grid to zero."""

    at: datetime
    need_w: float


def peak_of(before: Peak | None, at: datetime, need_w: float) -> Peak:
    """The peak after another reading."""
    if before is None or at < before.at:
        return Peak(at, need_w)
    faded = before.need_w - FORGET_W_PER_S * (at - before.at).total_seconds()
    return Peak(at, max(need_w, faded))


def allowed(
    reading: Reading, peak: Peak, battery: Battery, grid: Grid, paid_peak_w: float | None = None
) -> tuple[float, float]:
    """Lowest and highest battery power [W].

    Parameters
    ----------
    peak
        The newest peak of the need.
    paid_peak_w
        The grid power that costs no dearer peak than the plan's own [W]: nothing is charged
        beyond it.
    """
    need = reading.need_w
    rule_low, rule_high = _by_rule(reading, battery, grid)
    low = max(-battery.max_charge_w, rule_low, _by_connection(need, peak, grid, paid_peak_w))
    high = min(battery.max_discharge_w, rule_high, _by_feed_in(need, grid))
    if battery.hybrid:
        low = max(low, -battery.max_ac_w - reading.roof_w)
        high = min(high, battery.max_ac_w - reading.roof_w)
    if grid.dimming:
        drawn_w = grid.draw_limit_w(reading.soc.at, reading.soc.at + INSTANT)
        low = max(low, -drawn_w - reading.roof_w)
    return (
        max(min(low, high), reading.allowed_low_w),
        min(max(high, reading.allowed_low_w), reading.allowed_high_w),
    )


def _by_rule(reading: Reading, battery: Battery, grid: Grid) -> tuple[float, float]:
    """What the law allows, `BIAS_W` away from it.

    On hybrids the set-point contains the roof: when that fades, the battery fills the gap, so
    while the house sells it has to charge a little.
    """
    low, high = float("-inf"), float("inf")
    if not grid.rule.grid_charging:
        low = min(0.0, reading.need_w + BIAS_W)
    if not grid.rule.battery_export:
        floor = -min(BIAS_W, reading.roof_w) if battery.hybrid else 0.0
        high = max(floor, reading.need_w - BIAS_W)
    return low, high


def _by_connection(need: float, peak: Peak, grid: Grid, paid_peak_w: float | None) -> float:
    """Lowest battery power that keeps the purchase within fuse and contract."""
    low = max(need - grid.max_buy_w, min(0.0, peak.need_w + MARGIN_W - grid.max_buy_w))
    if paid_peak_w is not None:
        # Beyond the paid peak only charging is given up; the house itself may need more.
        low = max(low, min(0.0, peak.need_w + MARGIN_W - paid_peak_w))
    return low


def _by_feed_in(need: float, grid: Grid) -> float:
    """Highest battery power that keeps the sale within the feed-in limit."""
    return need + max(0.0, grid.max_sell_w - MARGIN_W) if need >= 0 else need + grid.max_sell_w
