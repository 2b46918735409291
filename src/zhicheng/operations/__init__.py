"""Building and running the city: what supports it over its whole life."""
