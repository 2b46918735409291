"""What needs attention: found, kept as entities, acknowledged by people, closed when it is over."""
