"""What the house talks about: battery, grid, tariff, plan, snapshot, decision; no I/O, no clock."""
