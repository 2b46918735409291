"""Arrivals: when vehicles of public transport come to the stops ahead, from where they are reported."""
