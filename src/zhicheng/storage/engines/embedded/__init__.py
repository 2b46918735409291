"""The default engine: SQLite for the open end of the log, Parquet for the sealed rest, the live table in memory."""
