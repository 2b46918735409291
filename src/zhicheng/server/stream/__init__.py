"""The live stream: what changes on the map is pushed to those who watch, now or as of a past instant."""
