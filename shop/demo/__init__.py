"""
Data to try the service with, the same for everyone who asks for as much.

On an empty database, the same count and seed give the same rows, ids included,
on PostgreSQL and SQLite alike: nothing depends on the clock, on hash order or on
unseeded randomness. What is there already is left as it is.
"""
