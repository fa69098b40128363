"""Findings about the device's configuration; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from optimizer.doctor.finding import Finding, Group
from optimizer.errors import ExitCode
from optimizer.fems.edge_config import EdgeConfig, above_rest, known_by_id
from optimizer.model.grid import Rule

FEMS = Group("FEMS")
APP_CENTER = "in the FEMS's App Center"


@dataclass(frozen=True, slots=True)
class ExpectedDevice:
    """The device as the owner's configuration describes it."""

    hybrid: bool | Literal["auto"]
    rule: Rule
    capacity_wh: float
    min_soc_percent: float
    max_charge_w: float
    max_discharge_w: float
    max_ac_w: float
    max_buy_w: float
    max_sell_w: float
    interval_s: float
    has_pv: bool = True
    """True where `[pv]` names a source of the forecast."""


def findings(config: EdgeConfig, wanted: ExpectedDevice) -> Iterator[Finding]:
    """Findings about coupling, controllers and limits; unknown parts are left out."""
    yield from _order(config)
    yield from _neighbours(config)
    yield from _mode(config)
    yield from _limits(config, wanted)
    yield from _permission(config, wanted)


AC_COUPLED = "AC-coupled: no roof behind the battery's inverter"


def coupling(found: bool | None, wanted: ExpectedDevice) -> Finding:
    """Coupling of the PV (behind the inverter or not), and agreement with the configuration."""
    words = "hybrid: the roof is inside the set-point" if found else AC_COUPLED
    if found is None:
        if wanted.hybrid == "auto":
            return FEMS.warn(
                "coupling", "the FEMS does not say whether it is a hybrid, so one is assumed",
                "set [battery] hybrid",
            )  # fmt: skip
        return FEMS.ok("coupling", f"hybrid = {str(wanted.hybrid).lower()}, as configured")
    if found and wanted.hybrid is False:
        return FEMS.fail(
            "coupling", f"{words}, and the configuration denies it: it would buy while the sun "
            "shines", 'set [battery] hybrid = "auto"', ExitCode.CONFIG,
        )  # fmt: skip
    if not found and wanted.hybrid is True:
        return FEMS.warn(
            "coupling", f"{words}, and the configuration says hybrid: max_ac_w limits more than it "
            "has to", 'set [battery] hybrid = "auto"',
        )  # fmt: skip
    return FEMS.ok("coupling", words)


def _order(config: EdgeConfig) -> Iterator[Finding]:
    """Order of controllers: REST has to come before the balancing controller."""
    if config.order is None:
        yield FEMS.warn(
            "order", "the order of its controllers is unknown: a set-point may have no effect",
            "try it with --prove",
        )  # fmt: skip
        return
    late = [
        text for text, first in (
            ("balancing", config.rest_above_balancing),
            ("the FEMS's tariff optimisation", config.rest_above_tariff),
        ) if first is False
    ]  # fmt: skip
    if late:
        yield FEMS.fail(
            "order", f"REST comes after {' and '.join(late)}: set-points are taken without effect",
            "put ctrlApiRest0 before it in the scheduler", ExitCode.REFUSED,
        )  # fmt: skip
    elif config.rest_above_balancing:
        yield FEMS.ok("order", "REST comes before balancing")
    else:
        yield FEMS.warn(
            "order", "nothing balances the house when we let go: it buys all it needs",
            f"install self-consumption optimisation {APP_CENTER}",
        )  # fmt: skip


def _neighbours(config: EdgeConfig) -> Iterator[Finding]:
    """Controllers with a higher and with a lower priority than ours."""
    above = above_rest(config.above or ())
    if above:
        yield FEMS.ok("decide before us", f"{', '.join(above)}: at times they overrule a set-point")
    if config.operator_limits:
        yield FEMS.ok(
            "operator_limits", "the grid operator may limit charging to 4.2 kW (section 14a)"
        )
    if config.peak_shaving:
        yield FEMS.warn(
            "peak shaving", f"{', '.join(config.peak_shaving)} is overruled by a set-point",
            "set [grid] max_buy_w to its limit",
        )  # fmt: skip
    if config.grid_optimized_charge not in (None, "OFF"):
        yield FEMS.warn(
            "feed-in limit", "grid-optimised charging is overruled by a set-point",
            f"set [grid] max_sell_w to its limit, or switch it off {APP_CENTER}",
        )  # fmt: skip
    if config.tariff_mode not in (None, "OFF"):
        yield FEMS.warn(
            "FEMS's own plan", f"its tariff optimisation runs too ({config.tariff_mode}): it acts "
            "whenever nothing is held", f"switch it off {APP_CENTER}",
        )  # fmt: skip
    others = [name for name in config.above or () if known_by_id(name) is None]
    if others:
        yield FEMS.ok("also before us", f"{', '.join(others)} (not known here)")


def _mode(config: EdgeConfig) -> Iterator[Finding]:
    if config.control_mode == "INTERNAL":
        yield FEMS.fail(
            "control mode", "INTERNAL: the inverter ignores every set-point without an error",
            "ask the installer for SMART or REMOTE", ExitCode.REFUSED,
        )  # fmt: skip
    elif config.control_mode is not None:
        yield FEMS.ok("control mode", config.control_mode)


def _limits(config: EdgeConfig, wanted: ExpectedDevice) -> Iterator[Finding]:
    """The device's own limits beside the configured ones."""
    reserve = config.reserve_soc_percent
    if reserve is not None and reserve > wanted.min_soc_percent:
        yield FEMS.warn(
            "reserve", f"the FEMS keeps {reserve:g} % for blackouts, the plan goes down to "
            f"{wanted.min_soc_percent:g} %", f"set [battery] min_soc_percent = {reserve:g}",
        )  # fmt: skip
    for name, limit_w, wanted_w, key in (
        ("fuse", config.max_buy_w, wanted.max_buy_w, "max_buy_w"),
        ("feeding in", config.max_sell_w, wanted.max_sell_w, "max_sell_w"),
    ):
        if limit_w is None or (name == "feeding in" and config.feed_in_type == "NO_LIMITATION"):
            continue
        if wanted_w > limit_w + 1:
            yield FEMS.warn(
                name, f"the FEMS knows {limit_w:.0f} W, [grid] {key} is {wanted_w:.0f} W",
                f"set [grid] {key} = {limit_w:.0f}",
            )  # fmt: skip
        else:
            yield FEMS.ok(name, f"{limit_w:.0f} W, [grid] {key} is {wanted_w:.0f} W")


def _permission(config: EdgeConfig, wanted: ExpectedDevice) -> Iterator[Finding]:
    if config.charge_from_grid is None:
        return
    if not config.charge_from_grid and wanted.rule.grid_charging:
        yield FEMS.warn(
            "charge from grid", "the FEMS is set so that the battery must not be charged from the "
            f"grid, and does not stop us: rule {wanted.rule.value} would do it",
            'set [grid] rule = "pv_only", or allow it in the FEMS if your contract does',
        )  # fmt: skip
    else:
        allowed = "allowed" if config.charge_from_grid else "not allowed, and not planned"
        yield FEMS.ok("charge from grid", allowed)
