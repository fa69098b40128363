"""The planted faults: what somebody might do to the code, and which campaign has to see it how.

A text that is no longer in its module makes the test fail: then plant the fault where it would be
made today.
"""

from tests.faults.planted.plant import Planted

FAULTS = {
    "no clamp": Planted(
        "optimizer.control.decide",
        (("    battery_w = _clip(wanted, low, high)\n", "    battery_w = wanted\n"),),
        "pure",
        "LIMITS",
    ),
    "nearest plan row": Planted(
        "optimizer.model.plan",
        (
            (
                "                return step\n        return None\n",
                "                return step\n"
                "        return min(self.steps, key=lambda step: abs(step.start - at))\n",
            ),
        ),
        "pure",
        "STEP",
    ),
    "local time": Planted(
        "optimizer.model.plan",
        (
            (
                "        for step in self.steps:\n            if step.start <= at",
                "        from zoneinfo import ZoneInfo\n"
                '        at = at.astimezone(ZoneInfo("Europe/Berlin")).replace(tzinfo=UTC)\n'
                "        for step in self.steps:\n            if step.start <= at",
            ),
        ),
        "pure",
        "STEP",
    ),
    "no null on SIGTERM": Planted(
        "optimizer.cli.signals",
        (("        clock.stop()\n", "        import os\n\n        os._exit(0)\n"),),
        "end",
        "ENDS",
    ),
    "redirects followed": Planted(
        "optimizer.fems.wire",
        (
            (
                "        del resp\n        return None\n",
                "        return super().get_redirect_target(resp)\n",
            ),
            ("allow_redirects=False", "allow_redirects=True"),
        ),
        "wire",
        "ELSEWHERE",
    ),
    "null read as 0": Planted(
        "optimizer.fems.channels",
        (
            (
                "return value if -_LARGEST < value < _LARGEST else None\n    return None\n",
                "return value if -_LARGEST < value < _LARGEST else None\n    return 0\n",
            ),
        ),
        "wire",
        "RELEASE",
    ),
    "blind retry": Planted(
        "optimizer.control.grip",
        (
            (
                "            self.fems.hold(decision.channel, setpoint_w)\n",
                "            for last in (False, False, True):\n"
                "                try:\n"
                "                    self.fems.hold(decision.channel, setpoint_w)\n"
                "                    break\n"
                "                except UnreachableError:\n"
                "                    if last:\n"
                "                        raise\n",
            ),
        ),
        "pure",
        "FRESH",
    ),
    "thread-fed watchdog": Planted(
        "optimizer.control.notify",
        (
            (
                "        first = [] if self._ready else",
                "        import threading\n\n"
                "        def feed() -> None:\n"
                '            self._send(["WATCHDOG=1"])\n'
                "            timer = threading.Timer(0.3, feed)\n"
                "            timer.daemon = True\n"
                "            timer.start()\n\n"
                "        if not self._ready:\n"
                "            threading.Timer(0.3, feed).start()\n"
                "        first = [] if self._ready else",
            ),
        ),
        "hang",
        "ALIVE",
    ),
    "DC roof forgotten": Planted(
        "optimizer.control.decide",
        (
            (
                "    setpoint = round(reading.roof_w + battery_w)\n",
                "    setpoint = round(battery_w)\n",
            ),
        ),
        "pure",
        "LIMITS",
    ),
    "stale SoC accepted": Planted(
        "optimizer.control.reading",
        (("    if abs(now - snapshot.at) > MAX_AGE:\n        return Reason.STALE\n", ""),),
        "pure",
        "RELEASE",
    ),
    "foreign writer ignored": Planted(
        "optimizer.control.watch",
        (
            (
                "            self.yielded, self._conflicts = True, 0\n",
                "            self._conflicts = 0\n",
            ),
        ),
        "pure",
        "YIELD",
    ),
    "rule not enforced on the meter": Planted(
        "optimizer.control.limits",
        (
            ("    if not grid.rule.grid_charging:\n", "    if False:\n"),
            ("    if not grid.rule.battery_export:\n", "    if False:\n"),
        ),
        "pure",
        "RULE",
    ),
    # beyond the list: what the campaigns have found, or would have to
    "leaks not ended": Planted(
        "optimizer.control.decide",
        (("    if decision.setpoint_w is not None and broken:\n", "    if False:\n"),),
        "swings",
        "RULE",
    ),
    "late write forgotten": Planted(
        "optimizer.control.grip",
        (
            (
                "        self.may_hold, self._clean = now_s - self._unsure_s < LATE_S, True\n",
                "        self.may_hold, self._clean = False, True\n",
            ),
        ),
        "late writes",
        "RELEASE",
    ),
    "stray channel forgotten": Planted(
        "optimizer.control.grip",
        (("        self.fems.give_back(self._stray)\n", ""),),
        "late writes",
        "RELEASE",
    ),
    "outage forgotten": Planted(
        "optimizer.control.policy",
        (("Past(off_grid_at=memory.past.off_grid_at)", "Past()"),),
        "outages",
        "RECOVERY",
    ),
    "not given back first": Planted(
        "optimizer.control.grip",
        (("        if not self._clean and not self.release():\n", "        if False:\n"),),
        "pure",
        "RESTART",
    ),
}
