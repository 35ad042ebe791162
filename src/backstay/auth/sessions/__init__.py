"""
Sessions: the opt-in app that makes refresh tokens single-use and logins endable.

    INSTALLED_APPS = [..., "backstay", "backstay.auth.sessions"]

Each login is one row, a *family*. Refreshing is one conditional ``UPDATE`` of it:
of any number of parallel refreshes one wins, and within ``REFRESH_LEEWAY`` the
others get the same successor. An older token ends the family (RFC 9700 section
4.14.2). Access tokens of an ended family are refused within seconds: at once by
this process, by the others through Redis; without Redis other processes accept
them until they expire.

Saving a user ends or renews what it must: a new password or a deactivation ends
every session, a change of what ``TOKEN_CLAIMS`` says makes older access tokens be
read anew from the database. Tell it yourself what it cannot see: a changed
membership or plan by ``renew_claims``, a bulk ``update()`` by ``end_sessions``.

Limit: a refresh token is one of a signed chain, so of spent ones nothing is kept
but the last one's hash.
"""
