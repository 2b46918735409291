"""Registers: one object across all departments, and how far the city's records are joined."""
