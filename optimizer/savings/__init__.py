"""Savings: accounts of what plans were worth, from the journal alone."""
