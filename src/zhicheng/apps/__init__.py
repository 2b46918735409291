"""Smart applications: one small package each, never importing a sibling."""
