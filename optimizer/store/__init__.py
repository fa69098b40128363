"""Store of everything that survives a restart: plans, journal, cached series; one SQLite file."""
