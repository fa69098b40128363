"""The simulated FEMS: the same REST and JSON-RPC, over a simulated house; for demo and tests."""
