"""Figures of a site for notebooks (`optimizer.plots`); needs the extra `notebook`."""

from typing import TYPE_CHECKING

import pandas as pd

from optimizer.model.plan import Plan
from optimizer.report import plots
from optimizer.report.plots import Figure

if TYPE_CHECKING:
    from optimizer.app.owner_site import Site
    from optimizer.app.record_frames import Moment


def plan(site: "Site", shown: Plan | None = None) -> Figure:
    """Prices, powers and state of charge of a plan, by default of the one in force."""
    chosen = site.plan() if shown is None else shown
    return plots.plan_figure(chosen, site.battery.capacity_wh, site.zone)


def record(site: "Site", begin: "Moment", end: "Moment") -> Figure:
    """Prices, metered powers, and the state of charge of a recorded span, beside the plans'."""
    return plots.record_figure(
        site.quarters(begin, end), site.prices(begin, end), site.planned(begin, end),
        site.battery.capacity_wh, site.zone,
    )  # fmt: skip


def savings(site: "Site", begin: "Moment", end: "Moment") -> Figure:
    """Bills of each day three ways, and the parts of its saving."""
    return plots.savings_figure(site.savings(begin, end))


def forecasts(site: "Site", begin: "Moment", end: "Moment") -> Figure:
    """PV and load of a recorded span as forecast and as metered."""
    return plots.forecast_figure(site.compare_forecasts(begin, end), site.zone)


def what_if(table: pd.DataFrame) -> Figure:
    """Gains of each battery under each tariff, from a table of `Site.what_if`."""
    return plots.what_if_figure(table)
