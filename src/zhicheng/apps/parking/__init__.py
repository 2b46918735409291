"""Free places of car parks: occupancy, trend, forecast."""
