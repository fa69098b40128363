"""Terms that all rooms share: battery, grid, tariff, plan, snapshot, decision; no I/O, no clock."""
