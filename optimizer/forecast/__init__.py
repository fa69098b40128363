"""Forecast: prices, house load and PV power on the planner's own steps; pure."""
