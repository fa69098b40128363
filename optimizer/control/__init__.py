"""Day: the plan and the live readings go in, a set-point (or nothing) comes out."""
