"""The outside world: one file per provider, each answers with one checked series."""
