"""
Pages that are bounded, in one order, and never lose a row.

``CursorPagination`` walks a keyset: the ordering's columns plus the primary key, so tied
rows are told apart and every row that stays is seen exactly once while others come and go;
no COUNT, no OFFSET. Its cursors are signed and hold only for the path, the version, the
query and the ordering they were made for; they grant nothing. ``PagePagination`` numbers,
and counts as far as it is asked to, as ``LimitOffsetPagination`` does;
``AdaptivePagination`` is the one while a list is small and the other once it is large.

Bodies are DRF's own, with ``count_is`` beside a count that may not be exact. Limit: an
ordering is of columns, across to-one relations too, and of annotations; another expression
is annotated first.
"""

from backstay.pagination.adaptive import AdaptivePagination
from backstay.pagination.cursors import CursorPagination
from backstay.pagination.keyset import keyset
from backstay.pagination.limit_offset import LimitOffsetPagination
from backstay.pagination.pages import PagePagination
from backstay.pagination.sizes import MAX_PAGE_SIZE

__all__ = [
    "MAX_PAGE_SIZE",
    "AdaptivePagination",
    "CursorPagination",
    "LimitOffsetPagination",
    "PagePagination",
    "keyset",
]
