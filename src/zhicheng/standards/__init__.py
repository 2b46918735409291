"""Models, code lists, calendars and codecs of every standard the platform speaks; pure."""
