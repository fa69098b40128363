"""Savings that balance: what a day's plan was worth, from the journal alone."""
