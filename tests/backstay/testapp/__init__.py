"""Models that only the library's tests use: one of each kind of constraint."""
