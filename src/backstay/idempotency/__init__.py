"""
Requests that may be sent twice and happen once.

``IdempotencyMixin`` before a view's class gives ``Idempotency-Key`` a meaning on its
unsafe methods. The answer is stored by the transaction that does the work: either
both are there or neither is, wherever a process is killed. A retry with the key gets
the first answer's bytes, marked ``Idempotency-Replayed: true``.

A key belongs to its caller, method and address, for 24 hours. A twin that comes while
the first is at work is 409 on PostgreSQL, and elsewhere waits for it; another body
under a used key is 422. Answers from 400 on are not stored: what they would have
written is rolled back, and a corrected request may use the key again.

Limits: all that a view writes is in the database of ``backstay.idempotency``; SQLite
begins its transactions with ``IMMEDIATE``; cookies are not replayed; no multipart
bodies, no streamed answers.

Source: draft-ietf-httpapi-idempotency-key-header-07. Unlike it, a key without quotes
is taken as well: that is what most clients send.
"""

from backstay.idempotency.mixin import IdempotencyInProgress, IdempotencyKeyReused, IdempotencyMixin

__all__ = ["IdempotencyInProgress", "IdempotencyKeyReused", "IdempotencyMixin"]
