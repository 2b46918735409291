"""What implements the storage port; chosen only by the server and the command line."""
