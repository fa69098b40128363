"""The executor's process: store, client, observers, reloading and replanning put together.

Imports neither pandas nor numpy nor pulp.
"""

import logging
import os
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Literal

from optimizer.app import stated_numbers
from optimizer.app.device_access import battery_of, client_like
from optimizer.app.shutdown import note_run, reload_on_signal, stop_on_signals

if TYPE_CHECKING:
    from optimizer.app.observers import ObserverGroup
    from optimizer.app.reloading import Reloading
    from optimizer.config.sections import Config
    from optimizer.control.active_plan import ActivePlan, StoredDevice
    from optimizer.control.clock import SystemClock
    from optimizer.control.executor import SettingsChange
    from optimizer.control.replan import Replanner
    from optimizer.fems.client import CallCounts, CountingClient
    from optimizer.model.battery import Battery
    from optimizer.model.snapshot import Decision, Snapshot
    from optimizer.store.executor_store import ExecutorStore
    from optimizer.store.journal import Journal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of one run, which stand above the configuration."""

    read_config: "Callable[[], Config]"
    """Reads the configuration anew, on SIGHUP."""
    config_file: Path
    """Configuration of the planner's process."""
    shadow: bool = False
    """Do everything but write to the FEMS."""
    seconds: float | None = None
    """Duration; None runs until a signal."""
    follow: Literal["value", "intent", "power"] | None = None
    replan: bool = True


def run_executor(config: "Config", options: RunOptions) -> None:
    """Carry the plan to the FEMS until stopped, then hand control back.

    Raises
    ------
    AlreadyRunningError
        If another executor uses the same store.
    """
    from optimizer.app.observers import observers
    from optimizer.control.clock import SystemClock
    from optimizer.fems.client import CallCounts, CountingClient
    from optimizer.store.executor_store import ExecutorStore

    clock = SystemClock()
    stop_on_signals(clock)
    note_run(options.config_file, config)
    for finding in stated_numbers.unusual(config):
        log.warning("%s; %s", finding.text, finding.fix)
    with closing(ExecutorStore.open(config.store.folder, clock.monotonic())) as store:
        users, counts = StoreUsers.of(store), CallCounts()
        replans: SimpleQueue[str] | None = SimpleQueue() if options.replan else None
        with (
            client_like(CountingClient, config) as client,
            observers(config, counts, users.active_plan, replans) as observed,
        ):
            client.tally = counts
            process = _Process(config, options, clock, store, client, users, counts, replans)
            process.run(observed)


@dataclass(frozen=True, slots=True)
class StoreUsers:
    """Users of the store in the loop; a store that is opened anew is given to each."""

    active_plan: "ActivePlan"
    journal: "Journal"
    device: "StoredDevice"

    @classmethod
    def of(cls, store: "ExecutorStore") -> "StoreUsers":
        """The users of a store that was just opened."""
        from optimizer.control.active_plan import ActivePlan, StoredDevice
        from optimizer.store.journal import Journal

        connection = store.connection
        users = cls(ActivePlan(connection), Journal(connection), StoredDevice(connection))
        for user in (users.active_plan, users.journal, users.device):
            store.give_to(user.take)
        return users

    @property
    def found_damage(self) -> bool:
        """True where the file of the store has proved to be damaged."""
        return self.journal.corrupt or self.active_plan.corrupt


@dataclass(frozen=True, slots=True)
class _Process:
    """Everything that is open while the executor runs."""

    config: "Config"
    options: RunOptions
    clock: "SystemClock"
    store: "ExecutorStore"
    client: "CountingClient"
    users: StoreUsers
    counts: "CallCounts"
    replans: SimpleQueue[str] | None
    """Reasons of plans that are wanted at once; None without re-planning."""

    def run(self, observed: "ObserverGroup") -> None:
        from optimizer.app.reloading import Reloading, change_of
        from optimizer.control.executor import Executor
        from optimizer.control.systemd_notify import Supervisor
        from optimizer.store.pause import PauseWatch

        options, supervisor = self.options, Supervisor.take()
        battery, notes = battery_of(self.config, self.client)
        for note in notes:
            log.warning(note, extra={"kind": note})
        first = change_of(self.config, battery, options.follow)
        reloading = Reloading(options.read_config, self._battery, self.config, options.follow)
        reload_on_signal(reloading.ask)
        self.client.stop_when(self.clock.stopped)
        Executor(
            fems=self.client,
            active_plan=self.users.active_plan,
            journal=self.users.journal,
            clock=self.clock,
            settings=first.settings,
            interval_s=first.interval_s,
            shadow=options.shadow,
            on_cycle=self._cycle(observed),
            report=lambda decision: supervisor.decided(decision.sentence),
            synchronised=self.clock.synchronised,
            device_memory=self.users.device,
            reload=lambda: self._changes(reloading),
            by_hand=not supervisor.address,
            pause=PauseWatch(self.config.store.folder, self.config.zone),
            replanning=self._replanner(first, battery),
        ).run(options.seconds)
        supervisor.stopping()

    def _changes(self, reloading: "Reloading") -> "SettingsChange | None":
        """Called before each cycle: checks the store, returns settings that were read anew."""
        self.store.poll(self.clock.monotonic(), corrupt=self.users.found_damage)
        return reloading.take()

    def _battery(self, fresh: "Config") -> "Battery":
        return battery_of(fresh, self.client)[0]

    def _cycle(self, observed: "ObserverGroup") -> "ObserverGroup":
        """Called after each cycle: writes the live file, then passes the decision on."""
        from optimizer.store import live_state

        path = live_state.path_for(self.config.store.folder)

        def cycle(decision: "Decision", seen: "Snapshot | None") -> None:
            live_state.write(
                path, decision, seen, os.getpid(), self.counts.read_s, shadow=self.options.shadow
            )
            observed(decision, seen)

        return cycle

    def _replanner(self, first: "SettingsChange", battery: "Battery") -> "Replanner | None":
        """Starts systemd's planner unit where there is one, else a planner process of its own.

        A service asks by touching a file that systemd watches: its own process tree has neither the
        memory nor the network access that a planner needs.
        """
        from optimizer.control.replan import Replanner

        if self.replans is None:
            return None
        wanted, config_file = os.environ.get("OPTIMIZER_PLAN_WANTED"), str(self.options.config_file)
        command = [sys.executable, "-m", "optimizer", "--config", config_file, "plan"]
        done = "planned anew"
        if wanted:
            command, done = ["touch", wanted], "a plan is asked for"
        return Replanner(
            command, first.rhythm, battery, self.clock, done=done, requests=self.replans
        )
