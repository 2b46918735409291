"""What people use: the map page and what it asks the server for."""
