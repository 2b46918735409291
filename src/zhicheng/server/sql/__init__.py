"""Read-only questions in SQL, answered by a child process in which nothing else is in reach."""
