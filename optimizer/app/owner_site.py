"""Public API for notebooks and scripts: an owner's site, and the sample site.

Every table is a pandas DataFrame with a UTC index. Units are in the columns' names: `_w` mean power
of a row [W], `_wh` energy [Wh], `_percent` [%], `_eur` money [EUR], `_eur_per_kwh` prices. Powers
have the FEMS's signs: `grid_w` + buys, `battery_w` + discharges. A moment is given as an aware
`datetime`, or as ISO 8601 text; a date alone is its local midnight. Spans are half-open.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args
from zoneinfo import ZoneInfo

import pandas as pd

from optimizer.app import checked_arguments, current_plan, make_plan, record_frames
from optimizer.app.device_access import battery_of
from optimizer.app.record_frames import Moment
from optimizer.config import loading
from optimizer.errors import UsageError
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.plan import Plan
from optimizer.model.tariff import Tariff
from optimizer.report import forecast_errors
from optimizer.savings import daily_accounts

if TYPE_CHECKING:
    from optimizer.backtest.comparison import Comparison
    from optimizer.backtest.information_set import Kind
    from optimizer.backtest.scenario_data import HouseSeries
    from optimizer.backtest.what_if import FixedPrices
    from optimizer.config.sections import Config

LEARNED = timedelta(days=3)
"""Least past that a learned forecast needs."""
TICK_MINUTES = (1, 3, 5, 15)
LARGEST_SEED = 2**31


class Site:
    """A house with its configuration, store and sources.

    Parameters
    ----------
    path
        The configuration, `optimizer.toml`; None finds it as the commands do.

    Raises
    ------
    optimizer.errors.ConfigError
        With one sentence for every fault of the file.

    Examples
    --------
    >>> import optimizer
    >>> site = optimizer.sample_site("winter")
    >>> begin, end = site.recorded_days(2)
    >>> begin.isoformat(), end.isoformat()
    ('2026-01-14T23:00:00+00:00', '2026-01-16T23:00:00+00:00')
    >>> site.savings("2026-01-12", begin)["saving_eur"].round(1).tolist()
    [0.3, 0.1, 1.3]
    """

    def __init__(self, path: Path | str | None = None) -> None:
        given = checked_arguments.path(path)
        self._config = loading.load(loading.find(given, os.environ))

    def __repr__(self) -> str:
        size_kwh = self.battery.capacity_wh / 1000
        return f"<Site {self.name!r}, {size_kwh:g} kWh, store {self._config.store.folder}>"

    @property
    def name(self) -> str:
        """Name of the site in the configuration."""
        return self._config.site

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of the site's local days."""
        return self._config.zone

    @property
    def battery(self) -> Battery:
        """The configured battery; `hybrid = "auto"` counts as a hybrid here."""
        return battery_of(self._config, None)[0]

    @property
    def grid(self) -> Grid:
        """The configured connection to the grid, with its rule."""
        return self._config.connection

    @property
    def tariff(self) -> Tariff | None:
        """The configured tariff; None where the price source has all-in prices."""
        return self._config.tariff

    @property
    def now(self) -> datetime:
        """The present moment of the site (UTC)."""
        return datetime.now(UTC)

    def recorded_days(self, count: int = 1) -> tuple[datetime, datetime]:
        """Begin and end (UTC) of the newest local days with a record, `count` days at most.

        Raises
        ------
        optimizer.errors.DataError
            If the executor has not recorded anything yet.
        """
        days = checked_arguments.count(count, "count", 1)
        return record_frames.recorded_days(self._stored, days)

    def day(self, local_date: date | str) -> tuple[datetime, datetime]:
        """Begin and end (UTC) of a local day: 23, 24 or 25 hours apart."""
        begin = self._at(local_date)
        return daily_accounts.bounds(begin.astimezone(self.zone).date(), self.zone)

    def plan(self, at: Moment | None = None) -> Plan:
        """The stored plan in force at a moment, now by default.

        Raises
        ------
        optimizer.errors.NoPlanError
            If no stored plan covers the moment.

        Examples
        --------
        >>> import optimizer
        >>> plan = optimizer.sample_site("winter").plan("2026-01-14T18:00+01:00")
        >>> plan.frame()[["buy_eur_per_kwh", "battery_w"]].shape
        (136, 2)
        """
        return current_plan.plan_in_force(self._stored, self._at(at))

    def make_plan(
        self, at: Moment | None = None, soc_percent: float | None = None, *,
        battery: Battery | None = None, grid: Grid | None = None, tariff: Tariff | None = None,
    ) -> Plan:  # fmt: skip
        """Make a plan that is never stored: for a past moment, or for another house.

        Parameters
        ----------
        at
            Moment of the plan; now by default. For a past moment the forecasts of then are taken
            from the store; with `soc_percent` or `tariff` the sources are asked instead.
        soc_percent
            State of charge at that moment [%]. None takes it from the journal (past), from the
            plan in force (future) or from the FEMS (now).
        battery, grid, tariff
            Instead of the configured ones, such as
            `dataclasses.replace(site.battery, capacity_wh=11_000)`.

        Raises
        ------
        optimizer.errors.OptimizerError
            If the state of charge or other inputs are unknown, or there is no feasible plan.

        Examples
        --------
        >>> import dataclasses, optimizer
        >>> site = optimizer.sample_site("winter")
        >>> small = dataclasses.replace(site.battery, capacity_wh=11_000)
        >>> at = "2026-01-14T14:00+01:00"
        >>> site.make_plan(at).cost_eur < site.make_plan(at, battery=small).cost_eur
        True
        """
        moment = None if at is None and self._is_live else self._at(at)
        soc_percent = checked_arguments.percent(soc_percent, "soc_percent")
        battery = checked_arguments.record(battery, "battery", Battery)
        grid = checked_arguments.record(grid, "grid", Grid)
        tariff = checked_arguments.record(tariff, "tariff", Tariff)
        try:
            inputs = make_plan.plan_inputs(self._stored, moment, self.now, soc_percent, tariff)
        except UsageError as error:
            raise UsageError(f"give soc_percent: {error}") from error
        request = replace(
            inputs.request,
            battery=battery or inputs.request.battery,
            grid=grid or inputs.request.grid,
        )
        return make_plan.solve(replace(inputs, request=request))[0]

    @property
    def currency(self) -> str:
        """Code of the currency of all amounts, such as `EUR`."""
        return self._config.money.code

    def forecast(self, at: Moment | None = None) -> pd.DataFrame:
        """Prices, load and PV as forecast at a moment, now by default; nothing is stored.

        Returns
        -------
        pd.DataFrame
            A row for each step from `at` to the horizon, index `start`; columns `end`,
            `buy_eur_per_kwh`, `sell_eur_per_kwh` [EUR/kWh], `load_w`, `pv_w` [W]; of an owner's
            site also `price_from`, `load_from` and `pv_from`, the provenance of each value.

        Examples
        --------
        >>> import optimizer
        >>> frame = optimizer.sample_site("winter").forecast("2026-01-14T14:00+01:00")
        >>> frame.loc["2026-01-14T17:00Z", ["buy_eur_per_kwh", "load_w"]].round(2).tolist()
        [0.57, 2166.0]
        """
        moment = self._at(at).replace(microsecond=0)
        if at is None and self._is_live:
            from optimizer.app import forecast_inputs

            return forecast_inputs.forecast(self._config, moment).frame
        steps = make_plan.steps_as_known(self._stored.store.folder, moment)
        return record_frames.steps_frame(steps)

    def journal(self, begin: Moment, end: Moment) -> pd.DataFrame:
        """The executor's journal: changes, events and a summary every quarter-hour.

        Returns
        -------
        pd.DataFrame
            Index `at`; `kind` is `change`, `event` or `summary`; powers [W] are means over
            `seconds` in summaries; `setpoint_w`, `reason`, `intent`; unknown numbers are NaN.
        """
        return record_frames.journal_frame(self._stored, *self._span(begin, end))

    def quarters(self, begin: Moment, end: Moment) -> pd.DataFrame:
        """Metered quarter-hours: the record that accounts are made from.

        Returns
        -------
        pd.DataFrame
            Index `start`; `seconds` that were seen; energies [Wh] `drawn_wh` from and `fed_wh` to
            the grid, `charged_wh`, `discharged_wh`, `pv_wh`, `load_wh`; stored energy `soc_wh` at
            the end; the remaining columns as in `optimizer export quarters`.

        Examples
        --------
        >>> import optimizer
        >>> quarters = optimizer.sample_site("winter").quarters("2026-01-14", "2026-01-15")
        >>> quarters[["drawn_wh", "load_wh"]].sum().round(-3).tolist()
        [40000.0, 41000.0]
        """
        return record_frames.quarters_frame(self._stored, *self._span(begin, end))

    def savings(self, begin: Moment, end: Moment) -> pd.DataFrame:
        """Accounts of the local days from `begin` to `end`: bills and saving [EUR].

        Returns
        -------
        pd.DataFrame
            A row a local day, index `start`; `day` is the local date, `saving_eur` the saving over
            self-consumption, equal to `planning_eur + override_eur + forecast_eur +
            execution_eur`, the second minus the price of overrides; the other columns as in
            `optimizer report --json`. Days without a record are left out.
        """
        frame = record_frames.savings_frame(self._stored, *self._span(begin, end), self.now)
        return self._in_currency(frame)

    def prices(self, begin: Moment, end: Moment) -> pd.DataFrame:
        """All-in prices of quarter-hours, as the last plans for them had them.

        Returns
        -------
        pd.DataFrame
            Index `start`; `end`, `buy_eur_per_kwh`, `sell_eur_per_kwh` [EUR/kWh]. Quarter-hours
            that no plan covered are left out.
        """
        return self._in_currency(record_frames.prices_frame(self._stored, *self._span(begin, end)))

    def planned(self, begin: Moment, end: Moment) -> pd.DataFrame:
        """Planned steps of recorded quarter-hours, each of the plan in force at its start.

        Returns
        -------
        pd.DataFrame
            Index `start`; `end`, `intent`, `battery_w`, forecast `load_w` and `pv_w` [W], planned
            stored energy at the start `soc_wh` [Wh].
        """
        return record_frames.planned_frame(self._stored, *self._span(begin, end))

    def compare_forecasts(self, begin: Moment, end: Moment) -> pd.DataFrame:
        """Load and PV of quarter-hours [W]: forecast by the plan in force at their start, metered.

        Returns
        -------
        pd.DataFrame
            Index `start`; `end`, `forecast_load_w`, `load_w`, `forecast_pv_w`, `pv_w`.
        """
        return record_frames.forecast_comparison(self._stored, *self._span(begin, end))

    def forecast_errors(self, begin: Moment, end: Moment) -> pd.DataFrame:
        """Errors of the forecasts as shares of the measured mean [1].

        Returns
        -------
        pd.DataFrame
            Rows `load_w` and `pv_w` (if there was any); columns `bias` (+ more was measured than
            forecast), `day` (mean absolute error of a day's energy) and `quarter_hour`.
        """
        comparison = self.compare_forecasts(begin, end)
        found = {
            name: forecast_errors.summary(comparison, name, self.zone)
            for name in ("load_w", "pv_w")
            if not comparison.empty and comparison[name].max() > 0
        }
        return pd.DataFrame.from_dict(found, orient="index")

    def backtest(
        self, begin: Moment | None = None, end: Moment | None = None, *,
        forecast: "Kind" = "learned", tick_minutes: int = 15, seed: int = 1, jobs: int = 1,
    ) -> "Comparison":  # fmt: skip
        """Repeat a past span with this program and with others, each with its own knowledge.

        Parameters
        ----------
        begin, end
            The span; by default the newest 28 recorded days but the first three, which a learned
            forecast needs.
        forecast
            Knowledge at each plan: `learned` from the past alone, `csv` as forecast then, or
            `perfect`.
        tick_minutes, seed
            Length of a step of the simulation, 1, 3, 5 or 15 [min], and seed of its bursts of load.
        jobs
            Processes; -1 is one for each core (extra `study`).

        Returns
        -------
        optimizer.backtest.comparison.Comparison
            `frame()` is the table; costs [EUR] of the span, gains [EUR a year].

        Raises
        ------
        optimizer.errors.ConfigError, optimizer.errors.DataError
            If tariff, measured load or prices of that time are unknown.
        """
        from optimizer.app import backtest_run
        from optimizer.backtest import information_set
        from optimizer.forecast import load_forecast

        checked_arguments.choice(forecast, "forecast", get_args(information_set.Kind))
        checked_arguments.choice(tick_minutes, "tick_minutes", TICK_MINUTES)
        checked_arguments.count(seed, "seed", 0, LARGEST_SEED)
        checked_arguments.processes(jobs, "jobs")
        first, last = self._past_span(begin, end)
        if begin is None and first is not None and forecast == "learned":
            first = min(first + LEARNED, last or first)
        options = backtest_run.BacktestOptions(first, last, forecast, tick_minutes, seed, jobs)
        series = self._measured(None if first is None else first - load_forecast.REACH, last)
        return backtest_run.backtest_of_series(self._config, series, options, _silent)

    def what_if(
        self, batteries: Mapping[str, Battery], tariffs: "Mapping[str, Tariff | FixedPrices]",
        begin: Moment | None = None, end: Moment | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Bills with other batteries and tariffs [EUR a year], as if everything had been known.

        Parameters
        ----------
        batteries, tariffs
            By their names in the result; a tariff is a `Tariff`, or a pair of constant buying and
            selling prices [EUR/kWh].
        begin, end
            The span that stands for a year; by default the newest 28 recorded days.

        Returns
        -------
        pd.DataFrame
            Index `battery`, `tariff`; `no_battery_eur`, `self_consumption_eur`, `planned_eur`, and
            the gains `battery_gain_eur` (over no battery) and `plan_gain_eur` (upper limit).

        Examples
        --------
        >>> import optimizer
        >>> site = optimizer.sample_site("winter")
        >>> table = site.what_if({"22 kWh": site.battery}, {"flat": (0.30, 0.08)})
        >>> bool(abs(table["plan_gain_eur"].iloc[0]) < 0.5)
        True
        """
        from optimizer.app import backtest_run
        from optimizer.backtest import what_if

        home = backtest_run.house_settings(self._config, 15, 1, _silent)
        sizes = checked_arguments.batteries(batteries)
        prices = checked_arguments.tariffs(tariffs, self._config.money.size)
        series = self._measured(*self._past_span(begin, end))
        return self._in_currency(what_if.compared(series, home, sizes, prices))

    def _in_currency(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A table whose `attrs` name the currency of its amounts, for `optimizer.plots`."""
        frame.attrs["currency"] = self._config.money.code
        return frame

    def _at(self, at: Moment | None) -> datetime:
        """A moment in UTC; now for None, the local midnight for a date."""
        return self.now if at is None else record_frames.moment_of(at, self.zone)

    def _span(self, begin: Moment, end: Moment) -> tuple[datetime, datetime]:
        """Both ends of a span in UTC, in their order."""
        return checked_arguments.span(self._at(begin), self._at(end))

    def _past_span(
        self, begin: Moment | None, end: Moment | None
    ) -> tuple[datetime | None, datetime | None]:
        """Span of a back-test, its ends in their order."""
        first, last = self._measured_span(begin, end)
        if first is not None and last is not None:
            checked_arguments.span(first, last)
        return first, last

    @property
    def _stored(self) -> "Config":
        """The configuration, with a store that can be read."""
        return self._config

    @property
    def _is_live(self) -> bool:
        """True where `now` is the wall clock's, so that FEMS and sources can be asked."""
        return True

    def _measured_span(
        self, begin: Moment | None, end: Moment | None
    ) -> tuple[datetime | None, datetime | None]:
        """Span of a back-test; None is as far as the measured series reach."""
        first, last = self.recorded_days(28)
        return (
            first if begin is None else self._at(begin),
            min(last, self.now) if end is None else self._at(end),
        )

    def _measured(self, begin: datetime | None, end: datetime | None) -> "HouseSeries":
        """Prices, load and PV of a past span from the configured sources."""
        from optimizer.app import backtest_run

        if begin is None or end is None:
            raise UsageError("name begin and end of the span")
        return backtest_run.past_series(self._config, begin, end)


def _silent(_note: str) -> None:
    """Notes are for the commands' standard error; figures do not depend on them."""
