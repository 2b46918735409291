"""The catalogue: what data there is, whose, how much, how fresh, how whole, and where it comes from."""
