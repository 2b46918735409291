"""Assembly: the city's settings, its HTTP server, feeds and workers. Only here and in `cli` engines are chosen."""
