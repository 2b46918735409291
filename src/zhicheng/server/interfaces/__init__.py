"""The standard interfaces, each a table of routes over the hub."""
