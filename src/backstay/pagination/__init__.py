"""
Pages that are bounded, in one order, and never lose a row.

``CursorPagination`` walks a keyset: the ordering's columns plus the primary
key, so tied rows are told apart and every row that stays is seen exactly once
while others come and go; no COUNT, no OFFSET. Its cursors are signed and hold
only for the path, the version, the query and the ordering they were made for; they grant
nothing. ``PagePagination`` counts
and numbers.

Both bodies are DRF's own. Limit: an ordering is of columns, across to-one relations too,
and of annotations; another expression is annotated first.
"""

from backstay.pagination.cursors import CursorPagination
from backstay.pagination.keyset import keyset
from backstay.pagination.pages import PagePagination
from backstay.pagination.sizes import MAX_PAGE_SIZE

__all__ = ["MAX_PAGE_SIZE", "CursorPagination", "PagePagination", "keyset"]
