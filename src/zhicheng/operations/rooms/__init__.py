"""Decision rooms (研讨): people who look at one map together, their marks and notes kept as entities."""
