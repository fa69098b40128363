"""Runs a campaign with a fault in the code: `python -m tests.faults.planted.run "no clamp"`."""

import logging
import sys

from tests.faults.planted.faults import FAULTS
from tests.faults.planted.plant import plant

if __name__ == "__main__":
    name = sys.argv[1]
    fault = FAULTS[name]
    plant(fault)
    from tests.faults import campaigns
    from tests.faults.promises import Promise

    # what is logged belongs to what campaigns look at; nobody reads it here
    logging.getLogger("optimizer").addHandler(logging.NullHandler())
    logging.getLogger("optimizer").propagate = False
    campaigns.PLANTED.append(name)
    broken = campaigns.first_broken(fault.campaign, Promise[fault.promise])
    print("\n".join(f"{one.promise.name}: {one.how}" for one in broken) or "nothing was seen")
    sys.exit(0 if broken else 1)
