"""A made-up city (模拟) that lives: streets, buses, sensors, departments; it sees the platform from outside."""
