"""Device profiles and decoders: bytes and tables in, changes out; pure."""
