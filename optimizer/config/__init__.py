"""The owner's TOML file as frozen dataclasses; every fault is one sentence with its fix."""
