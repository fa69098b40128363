"""Plan and control a FENECON home battery with price forecasts.

The public API for notebooks and scripts; nothing else is promised to be stable:

- `Site("optimizer.toml")`: plans, forecasts, journal, record, savings, back-tests of a house
- `sample_site("winter")`: the same of a simulated house, without a battery and a network
- `Battery`, `Grid`, `Rule`, `Tariff`, `FeeWindow`: parts of what-ifs, with `dataclasses.replace`
- `plots`: figures of a site (extra `notebook`)

They are imported when they are first used: the executor shares this package. Nothing else is
imported before either, not even `typing`: the commands catch Ctrl-C only after this.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from optimizer.app import site_plots as plots
    from optimizer.app.owner_site import Site
    from optimizer.app.sample_site import sample_site
    from optimizer.model.battery import Battery
    from optimizer.model.grid import Grid, Rule
    from optimizer.model.tariff import FeeWindow, Tariff

__version__ = "0.1.0"

__all__ = [
    "Battery", "FeeWindow", "Grid", "Rule", "Site", "Tariff", "__version__", "plots", "sample_site",
]  # fmt: skip

_PLACES = {
    "Battery": "optimizer.model.battery",
    "FeeWindow": "optimizer.model.tariff",
    "Grid": "optimizer.model.grid",
    "Rule": "optimizer.model.grid",
    "Site": "optimizer.app.owner_site",
    "Tariff": "optimizer.model.tariff",
    "sample_site": "optimizer.app.sample_site",
}


def __getattr__(name: str) -> "Any":
    """Import a public name at its first use (PEP 562)."""
    from importlib import import_module

    if name == "plots":
        return import_module("optimizer.app.site_plots")
    if name not in _PLACES:
        raise AttributeError(f"module 'optimizer' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
