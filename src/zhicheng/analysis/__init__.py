"""Algorithms that decoders and applications share: pure functions on columns, without I/O."""
