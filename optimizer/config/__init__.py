"""The owner's TOML file as frozen, typed sections; every fault is one sentence with its cure."""
