"""The part of a loss that most likely brought it about, from the accounts of its days; pure."""

from collections.abc import Sequence
from enum import StrEnum

from optimizer.savings.account import DayAccount

WRITER_SHARE = 0.02
"""Share of the time from which on another program's writing explains what was carried out badly."""


class LikelyPart(StrEnum):
    """Part of a loss, in the words that the owner reads."""

    WRITER = "another program that writes to the battery"
    BATTERY = "the battery, which loses more than the configuration says"
    EXECUTION = "the execution: the battery did something else than was planned"
    FORECAST = "the forecasts of load and PV"
    PLAN = "the plan itself: prices, battery or wear in the configuration"


def likely_part(days: Sequence[DayAccount], writer_share: float) -> LikelyPart:
    """Name the part of the accounts that lost most.

    Where none of them lost, the plans' own values of stored energy said otherwise than the meter:
    then it is the plan.

    Parameters
    ----------
    days
        Accounts of the days that were lost.
    writer_share
        Share of the time in which control gave way to another writer.
    """
    parts = {
        LikelyPart.EXECUTION: sum(day.execution_eur for day in days),
        LikelyPart.FORECAST: sum(day.forecast_eur for day in days),
        LikelyPart.PLAN: sum(day.planning_eur for day in days),
    }
    part = min(parts, key=parts.__getitem__)
    if writer_share >= WRITER_SHARE:
        return LikelyPart.WRITER
    if parts[part] >= 0:
        return LikelyPart.PLAN
    if part is LikelyPart.EXECUTION and 2 * sum(d.model_off_eur for d in days) >= -parts[part]:
        return LikelyPart.BATTERY
    return part
