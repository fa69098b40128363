"""A house whose load never changes, behind a simulated FEMS in real time."""

from collections.abc import Iterator
from contextlib import contextmanager

from optimizer.model.battery import Battery
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from tests.control.stepped import START


@contextmanager
def steady_house() -> Iterator[SimulatedFems]:
    """A FEMS of this process in real time: 22 kWh half full, 800 W of load, no sun."""
    load, pv = Profile(START, 900, (800.0,)), Profile(START, 900, (0.0,))
    house = SimulatedHouse(Battery(capacity_wh=22_000), load, pv, START, 50)
    with SimulatedFems(house, speed=1) as running:
        yield running
