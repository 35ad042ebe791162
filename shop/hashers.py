"""
Argon2id with the parameters of the OWASP Password Storage Cheat Sheet.

19 MiB of memory, two passes, one lane: about 20 ms a password. Django's own
Argon2 defaults (100 MiB, eight lanes) let a few parallel logins exhaust the
memory of a small machine.
"""

from django.contrib.auth.hashers import Argon2PasswordHasher


class OwaspArgon2PasswordHasher(Argon2PasswordHasher):
    memory_cost = 19_456
    time_cost = 2
    parallelism = 1
