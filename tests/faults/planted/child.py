"""The `optimizer` command with a fault in its code: `... planted.child "no clamp" run`."""

import sys

from tests.faults.planted.faults import FAULTS
from tests.faults.planted.plant import plant

if __name__ == "__main__":
    plant(FAULTS[sys.argv.pop(1)])
    from optimizer.cli import main

    main()
