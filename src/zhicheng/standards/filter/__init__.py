"""The one predicate tree: parsed from each query dialect, evaluated on documents and on columns."""
