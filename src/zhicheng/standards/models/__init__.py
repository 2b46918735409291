"""The city's data models: JSON Schema and @context for each type, the catalogue of them, and the check against them."""
