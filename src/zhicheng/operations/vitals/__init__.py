"""Vital signs of the city: figures of many entities, with their course, usual range and reasons."""
