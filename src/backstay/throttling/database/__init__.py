"""
Limits that several processes share without Redis: the opt-in app that counts in the database.

    INSTALLED_APPS = [..., "backstay", "backstay.throttling.database"]

After ``migrate`` it counts wherever ``REDIS_URL`` is not set; nothing else changes. One
row a bucket, and all charges of a request are decided in one transaction, with their
rows locked in one order: exact over threads, processes and machines, without deadlocks.

The transaction is the limiter's own. Within one of the request a rollback would give
back what was charged, for one that every wrong password causes; so there it is refused
(``RuntimeError``, and the check E012). With ``ATOMIC_REQUESTS`` route this app to an alias
of its own without it: of the same PostgreSQL, or of another file where it is SQLite.

Rows that have emptied go as new ones come, two for each: there is nothing to run.

Limits: PostgreSQL at its usual isolation (READ COMMITTED), and SQLite, whose one writer
every decision waits for. PostgreSQL does not wait for the disk, so a crash of its server
forgets the counts of the last second. While the database is out, requests with a limit
fail as those that read from it do.
"""
