"""The planted faults: what somebody might do to the code, and which campaign has to see it how.

A text that is no longer in its module makes the test fail: then plant the fault where it would be
made today.
"""

from tests.faults.planted.plant import Planted

FAULTS = {
    "no clamp": Planted(
        "optimizer.control.law",
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
        "optimizer.app.shutdown",
        (("        clock.stop()\n", "        import os\n\n        os._exit(0)\n"),),
        "end",
        "ENDS",
    ),
    "redirects followed": Planted(
        "optimizer.http.transport",
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
        "optimizer.control.setpoint_writer",
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
        "optimizer.control.systemd_notify",
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
        "optimizer.control.law",
        (
            ("min(round(reading.dc_pv_w + battery_w), ", "min(round(battery_w), "),
            ("    left_w = setpoint - reading.dc_pv_w\n", "    left_w = battery_w\n"),
        ),
        "pure",
        "LIMITS",
    ),
    "stale SoC accepted": Planted(
        "optimizer.control.input_checks",
        (("    if abs(now - snapshot.at) > MAX_AGE:\n        return Reason.STALE\n", ""),),
        "pure",
        "RELEASE",
    ),
    "foreign writer ignored": Planted(
        "optimizer.control.setpoint_monitor",
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
        "optimizer.control.power_band",
        (
            ("    if not grid.rule.grid_charging:\n", "    if False:\n"),
            ("    if not grid.rule.battery_export:\n", "    if False:\n"),
        ),
        "pure",
        "RULE",
    ),
    "pause not looked at": Planted(
        "optimizer.control.executor",
        (("            return self.pause.reason, paused\n", "            pass\n"),),
        "pure",
        "PAUSE",
    ),
    "a hold is forgotten": Planted(
        "optimizer.control.power_band",
        (
            (
                "        case OverrideKind.HOLD:\n"
                '            return PowerBand(Intent.HOLD, float("-inf"), 0.0, text)\n',
                "",
            ),
        ),
        "overrides",
        "OVERRIDE",
    ),
    "self-consumption is forgotten": Planted(
        "optimizer.control.power_band",
        (("        case OverrideKind.SELF_CONSUMPTION:\n", "        case _ if False:\n"),),
        "overrides",
        "OVERRIDE",
    ),
    "an override outlives its end": Planted(
        "optimizer.model.override",
        (("        return now < self.until\n", "        return True\n"),),
        "overrides",
        "LIMITS",
    ),
    # found by an outsider's campaign (2026-11-27), and what could undo its cures
    "a refusal bars releases": Planted(
        "optimizer.control.setpoint_writer",
        (
            (
                "        if taken is not None:\n            self.fems.leave(taken)\n",
                "        if self._waits(now_s):\n            return False\n"
                "        if taken is not None:\n            self.fems.leave(taken)\n",
            ),
        ),
        "refusals",
        "RELEASE",
    ),
    "time-out asked once": Planted(
        "optimizer.control.device_guard",
        (("        return reconnected or now_s", "        return False and now_s"),),
        "time-outs",
        "TIMEOUT",
    ),
    "reconnects not seen": Planted(
        "optimizer.control.device_guard",
        (("        return reconnected or now_s", "        return now_s"),),
        "time-outs",
        "TIMEOUT",
    ),
    "unsafe time-out only warned of": Planted(
        "optimizer.control.device_guard",
        (("            if not self.shadow:\n                raise\n", ""),),
        "time-outs",
        "TIMEOUT",
    ),
    "interval never shortened": Planted(
        "optimizer.control.executor",
        (("        self.interval_s = self._approach.write_interval_s\n", ""),),
        "time-outs",
        "REWRITE",
    ),
    "above what is allowed": Planted(
        "optimizer.control.law",
        (
            (
                "min(round(reading.dc_pv_w + battery_w), math.floor(reading.allowed_ac_w))",
                "round(reading.dc_pv_w + battery_w)",
            ),
        ),
        "limits",
        "LIMITS",
    ),
    "no control without a store": Planted(
        "optimizer.control.executor",
        (
            (
                "            self.journal.note(decision, snapshot)\n"
                "        except (sqlite3.Error, OSError) as error:\n",
                "            self.journal.note(decision, snapshot)\n"
                "        except KeyError as error:\n",
            ),
        ),
        "store",
        "SOUND",
    ),
    "creeping clock believed": Planted(
        "optimizer.control.clock",
        (
            (
                "        if abs(step) > DRIFT or abs(crept) > DRIFT:\n",
                "        if abs(step) > DRIFT:\n",
            ),
        ),
        "clocks",
        "RELEASE",
    ),
    "second writer named again": Planted(
        "optimizer.control.setpoint_monitor",
        (("        if self._others and not self._warned:\n", "        if self._others:\n"),),
        "wire",
        "NAMED",
    ),
    "texts as they are": Planted(
        "optimizer.model.printable",
        (('one if one.isprintable() else " "', "one"),),
        "wire",
        "PLAIN",
    ),
    "deadlines deaf to SIGTERM": Planted(
        "optimizer.http.deadline",
        (
            (
                "        if self._stops_s is None and self.stopping():\n",
                "        if self._stops_s is None and False:\n",
            ),
        ),
        "slow end",
        "ENDS",
    ),
    # beyond the list: what the campaigns have found, or would have to
    "leaks not ended": Planted(
        "optimizer.control.law",
        (("    if decision.setpoint_w is not None and broken:\n", "    if False:\n"),),
        "swings",
        "RULE",
    ),
    "late write forgotten": Planted(
        "optimizer.control.setpoint_writer",
        (
            (
                "        self.may_hold, self.clean = now_s - self._unsure_s < LATE_S, True\n",
                "        self.may_hold, self.clean = False, True\n",
            ),
        ),
        "late writes",
        "RELEASE",
    ),
    "stray channel forgotten": Planted(
        "optimizer.control.setpoint_writer",
        (("        self.fems.give_back(self._stray)\n", ""),),
        "late writes",
        "RELEASE",
    ),
    "outage forgotten": Planted(
        "optimizer.control.policy",
        (("ReadingHistory(off_grid_at=memory.past.off_grid_at)", "ReadingHistory()"),),
        "outages",
        "RECOVERY",
    ),
    "not given back first": Planted(
        "optimizer.control.setpoint_writer",
        (("        if not self.clean and not self.release():\n", "        if False:\n"),),
        "pure",
        "RESTART",
    ),
}
