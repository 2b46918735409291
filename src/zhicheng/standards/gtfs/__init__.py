"""GTFS: the timetable of public transport (static) and its live messages (realtime), as codecs without I/O."""
