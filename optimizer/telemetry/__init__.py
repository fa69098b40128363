"""Telemetry: what one cycle means for Prometheus and Home Assistant."""
