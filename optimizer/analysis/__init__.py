"""Afterwards, and beforehand: bills, the demo, tables and the report."""
