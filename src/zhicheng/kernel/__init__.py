"""Errors, identifiers, time, geometry, columns and telemetry; imports nothing of ours."""
