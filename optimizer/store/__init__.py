"""What survives a restart: plans, the journal and what was known when; one SQLite file."""
