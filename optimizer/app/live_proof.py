"""The proof of `optimizer check --prove`: a harmless power held for a minute and watched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.app.device_access import battery_of
from optimizer.app.handing_back import author, without_executor
from optimizer.app.shutdown import stop_on_signals
from optimizer.control import live_test
from optimizer.control.clock import SystemClock
from optimizer.doctor.finding import Finding, Level
from optimizer.model.snapshot import Channel
from optimizer.store.pause import Pause

if TYPE_CHECKING:
    from optimizer.config.sections import Config
    from optimizer.fems.client import FemsClient


@dataclass(frozen=True, slots=True)
class Proof:
    """Result of the proof; it serves as JSON too."""

    proved: bool
    reason: str


def obstacle(findings: Sequence[Finding]) -> str | None:
    """Reason why nothing may be tried at the device now; None if there is none."""
    if any(item.level is Level.FAIL for item in findings):
        return "the check has failed: mend that first"
    if any(item.name == "other writers" and item.level is Level.WARN for item in findings):
        return "another program may write to the battery: stop it first"
    return None


def prove(
    config: "Config", client: "FemsClient", on_beat: Callable[[live_test.LiveTestBeat], None]
) -> Proof:
    """Hold a harmless power for a minute, count the beats that were applied, and release."""
    battery, _ = battery_of(config, client)
    clock, result = SystemClock(), live_test.LiveTestResult()
    stop_on_signals(clock)

    def beat_seen(beat: live_test.LiveTestBeat) -> None:
        result.count(beat)
        on_beat(beat)

    power = live_test.harmless(
        client.snapshot(clock.now()), hybrid=battery.hybrid,
        min_soc_percent=battery.min_soc_percent,
    )  # fmt: skip
    order = Pause(clock.now(), author("check --prove"))
    with without_executor(config.store.folder, clock, order):
        live_test.hold_for(client, clock, Channel.EQUALS, power, live_test.PROOF_S, beat_seen)
    reason = f"{result.applied} of {result.beats} set-points were applied, and all is given back"
    return Proof(result.proved, reason)
