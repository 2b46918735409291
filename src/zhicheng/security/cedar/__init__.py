"""Cedar: policies as text, parsed, evaluated with Cedar's own semantics, compiled to tables and to filters."""
