"""Transports and link health: bytes from elsewhere, handed to a sink that is given from above."""
