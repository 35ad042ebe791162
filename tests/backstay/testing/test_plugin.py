"""Queries are counted, and a list that asks for each row is told."""

import pytest

from tests.backstay.testapp.models import Document, Folder

pytestmark = [pytest.mark.django_db, pytest.mark.L1]


def add_document():
    Document.objects.create(folder=Folder.objects.create())


class TestQueryCount:
    def test_it_counts(self, query_count):
        assert query_count(lambda: None) == 0
        assert query_count(lambda: list(Document.objects.all())) == 1

    def test_a_joined_list_is_constant(self, query_count):
        def read():
            return [document.folder for document in Document.objects.select_related("folder")]

        query_count.assert_constant(read, after=add_document)

    def test_a_list_that_asks_for_each_row_is_not(self, query_count):
        def read():
            return [document.folder for document in Document.objects.all()]

        with pytest.raises(AssertionError, match="1 queries became 6 with 5 rows more:\nSELECT"):
            query_count.assert_constant(read, after=add_document)
