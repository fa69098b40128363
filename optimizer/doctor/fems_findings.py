"""Findings about the FEMS: everything that matters before the first set-point."""

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from optimizer.control.device_guard import safe_interval_s
from optimizer.doctor import device_findings
from optimizer.doctor.device_findings import FEMS, ExpectedDevice
from optimizer.doctor.finding import Finding, Group, Level
from optimizer.errors import ExitCode, OptimizerError, UnsafeTimeoutError
from optimizer.fems import channels, device_history
from optimizer.fems.channels import EssChannels
from optimizer.fems.client import FemsClient
from optimizer.fems.edge_config import EdgeConfig, above_rest
from optimizer.fems.writable_channels import HandedOver
from optimizer.model.snapshot import FAULT, ON_GRID, Channel, Snapshot

CLOCK = Group("clock")
SKEW = timedelta(seconds=10)
WEEK = 7
LEAST_PV_WH = 10_000.0
"""Energy below which a PV counter says nothing: noise of a meter adds up [Wh]."""
LEAST_PV_W = 100.0
"""Power below which a PV meter says nothing [W]."""
ALIKE = 0.15
"""Largest difference of the configured from the device's capacity without a warning [1]."""


def findings(
    client: FemsClient, wanted: ExpectedDevice, now: datetime, zone: ZoneInfo, own: str | None
) -> Iterator[Finding]:
    """Ask the FEMS; end early when it cannot be read at all.

    Parameters
    ----------
    own
        Channel that our own executor holds at this moment, if it runs.
    """
    try:
        yield from _asked(client, wanted, now, zone, own)
    except OptimizerError as error:  # it stopped answering on the way
        yield FEMS.error("lost", error)


def _asked(
    client: FemsClient, wanted: ExpectedDevice, now: datetime, zone: ZoneInfo, own: str | None
) -> Iterator[Finding]:
    begun_s = time.perf_counter()
    try:
        snapshot = client.snapshot(now)
    except OptimizerError as error:
        yield FEMS.error("read", error)
        return
    yield from _reading(client, snapshot, time.perf_counter() - begun_s)
    log = _log(client)
    write = _write(client, log)
    yield write
    config, unread = _config(client)
    if unread is not None and write.level is Level.OK:
        yield unread
    yield _timeout(client, wanted)
    yield from _capacity(client, snapshot, wanted)
    yield from _left_out_pv(client, snapshot, wanted)
    yield device_findings.coupling(_hybrid(client, config), wanted)
    if config is not None:
        yield from device_findings.findings(config, wanted)
        yield _history(client, now.astimezone(zone).date(), zone)
    else:
        yield from _above(client)
    yield from _writers(client, log, own)
    yield _skew(client)


def _reading(client: FemsClient, snapshot: Snapshot, seconds: float) -> Iterator[Finding]:
    version = channels.text(
        channels.read_values(client.points(channels.META, channels.VERSION)),
        f"{channels.META}/{channels.VERSION}",
    )
    names = ("soc_percent", "grid_w", "ess_w", "battery_w", "allowed_charge_w",
             "allowed_discharge_w", "grid_mode", "state")  # fmt: skip
    missing = [name for name in names if getattr(snapshot, name) is None]
    text = f"{client.origin}, version {version or 'unknown'}, read in {seconds * 1000:.0f} ms"
    if missing:
        yield FEMS.warn(
            "read", f"{text}; unknown: {', '.join(missing)}, and nothing is held while they are",
            "look at the FEMS's display or app",
        )  # fmt: skip
    else:
        yield FEMS.ok("read", f"{text}, battery {snapshot.soc_percent:.0f} %")
    if snapshot.state == FAULT:
        yield FEMS.fail(
            "state", "the FEMS reports a fault: nothing is held", "look at its display or app",
            ExitCode.UNREACHABLE,
        )  # fmt: skip
    if snapshot.grid_mode not in (None, ON_GRID):
        yield FEMS.warn("grid", "the house is not on the grid: nothing is held", "wait for it")


def _log(client: FemsClient) -> HandedOver | None:
    try:
        return client.handed_over()
    except OptimizerError:
        return None


def _write(client: FemsClient, log: HandedOver | None) -> Finding:
    """Prove the right to write by giving back a channel on which nobody holds anything."""
    free = [channel for channel in Channel if log is None or not log.has(channel)]
    if not free:
        return FEMS.warn(
            "write", "not tried: all channels are in use by another program", "stop it first"
        )
    try:
        client.give_back(free[0])
    except OptimizerError as error:
        return FEMS.error("write", error)
    return FEMS.ok("write", "allowed (proved by giving back nothing)")


def _config(client: FemsClient) -> tuple[EdgeConfig | None, Finding | None]:
    try:
        return client.edge_config(), None
    except OptimizerError as error:
        return None, FEMS.error("own settings", error, Level.WARN)


def _timeout(client: FemsClient, wanted: ExpectedDevice) -> Finding:
    try:
        timeout_s = client.timeout_s()
        interval_s = safe_interval_s(timeout_s, wanted.interval_s)
    except UnsafeTimeoutError as error:
        return FEMS.error("time-out", error)
    except OptimizerError as error:
        return FEMS.error("time-out", error, Level.WARN)
    if timeout_s is None:
        return FEMS.warn(
            "time-out", "unknown: how long a dead program's set-point stays is not known",
            "make sure in the app REST/JSON Write Access that it is 60 s",
        )  # fmt: skip
    if interval_s < wanted.interval_s:
        return FEMS.warn(
            "time-out", f"{timeout_s} s: set-points will be written every {interval_s:g} s",
            f"set [control] interval_s = {interval_s:g}, or the time-out to 60 s",
        )  # fmt: skip
    return FEMS.ok("time-out", f"{timeout_s} s, written every {wanted.interval_s:g} s")


def _capacity(client: FemsClient, snapshot: Snapshot, wanted: ExpectedDevice) -> Iterator[Finding]:
    values = channels.read_values(client.points(client.ess, EssChannels.CAPACITY))
    device_wh = channels.number(values, f"{client.ess}/{EssChannels.CAPACITY}")
    if device_wh and abs(device_wh - wanted.capacity_wh) > ALIKE * device_wh:
        yield FEMS.warn(
            "capacity", f"the device has {device_wh:.0f} Wh, configured are "
            f"{wanted.capacity_wh:.0f} Wh", f"set [battery] capacity_wh = {device_wh:.0f}",
        )  # fmt: skip
    charge_w, discharge_w = snapshot.allowed_charge_w, snapshot.allowed_discharge_w
    if charge_w is not None and discharge_w is not None:
        yield FEMS.ok(
            "limits now", f"{charge_w:.0f} to {discharge_w:.0f} W, configured "
            f"-{wanted.max_charge_w:.0f} to {wanted.max_discharge_w:.0f} W: the narrower count",
        )  # fmt: skip


def _left_out_pv(
    client: FemsClient, snapshot: Snapshot, wanted: ExpectedDevice
) -> Iterator[Finding]:
    """Warn where the FEMS meters PV that no plan knows of, now or by its counter."""
    if wanted.has_pv:
        return
    values = channels.read_values(client.points(channels.SUM, channels.PRODUCED))
    metered_wh = channels.number(values, f"{channels.SUM}/{channels.PRODUCED}") or 0.0
    pv_w = snapshot.pv_w or 0.0
    if metered_wh < LEAST_PV_WH and pv_w < LEAST_PV_W:
        return
    yield FEMS.warn(
        "PV", f"the FEMS has metered {metered_wh / 1000:.0f} kWh of PV, {pv_w:.0f} W now, and "
        "[pv] names no source: plans count on no sun, and charge from the grid what it would give",
        'set [pv] source = "open-meteo" with latitude, longitude and planes, see README',
    )  # fmt: skip


def _hybrid(client: FemsClient, config: EdgeConfig | None) -> bool | None:
    try:
        found = client.hybrid()
    except OptimizerError:
        found = None
    return config.hybrid if config is not None and not found else found


def _above(client: FemsClient) -> Iterator[Finding]:
    names = above_rest(client.controllers())
    if names:
        yield FEMS.ok("decide before us", f"{', '.join(names)}: at times they overrule a set-point")


def _history(client: FemsClient, today: date, zone: ZoneInfo) -> Finding:
    try:
        week = device_history.fetch_power(client.rpc, today - timedelta(days=WEEK), today, zone)
    except OptimizerError as error:
        return FEMS.error("history", error, Level.WARN)
    load, pv = (
        sum(value is not None for value in values)
        for values in ([q.load_w for q in week], [q.pv_w for q in week])
    )
    text = f"of the last 7 days it knows {load / len(week):.0%} of the load, {pv / len(week):.0%}"
    if not load:
        return FEMS.warn("history", f"{text} of the roof", "give load and roof as files")
    return FEMS.ok("history", f"{text} of the roof")


def _writers(client: FemsClient, log: HandedOver | None, own: str | None) -> Iterator[Finding]:
    if log is None or not log.known:
        yield FEMS.warn(
            "other writers",
            "the FEMS does not say who writes",
            "make sure that no other program does",
        )
        return
    if log.failed:
        yield FEMS.warn(
            "REST app", "it cannot hand over what was written to it (RunFailed)",
            "stop other programs that write, and look again",
        )  # fmt: skip
    ours = (channels.API, f"{client.ess}/{own}")
    others = [entry for entry in log.on(client.ess) if entry[:2] != ours]
    if others:
        reported = ", ".join(
            f"{entry.address} = {entry.value} over {entry.api}" for entry in others
        )
        yield FEMS.warn(
            "other writers", f"{reported}: only one program can control the battery",
            "stop it, or do without 'optimizer run'",
        )  # fmt: skip
    else:
        yield FEMS.ok("other writers", "none")


def _skew(client: FemsClient) -> Finding:
    ahead = client.clock_ahead
    if ahead is None:
        return CLOCK.warn("FEMS's clock", "it sends no date", "compare it with its display")
    seconds = ahead.total_seconds()
    if abs(ahead) > SKEW:
        side = "ahead of" if seconds > 0 else "behind"
        return CLOCK.warn(
            "FEMS's clock", f"it is {abs(seconds):.0f} s {side} this computer: steps begin at the "
            "wrong time", "let both take the time from the network",
        )  # fmt: skip
    return CLOCK.ok("FEMS's clock", f"within {abs(seconds):.0f} s of this computer")
