"""Layer 4, data and service support: intake, query and what stands on them."""
