"""Simulation: the simulated FEMS, the simulated house and the sample data."""
