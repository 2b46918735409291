"""Layer 3: the storage port, the live table and, in engines, what implements them."""
