"""
Ordinary serializers, read as columns: the same bytes, a fixed number of queries.

    class OrderViewSet(ReadPlanMixin, viewsets.ModelViewSet):
        queryset = Order.objects.all()
        serializer_class = OrderDetail

A serializer is compiled once into the SQL it needs: to-one relations joined, each
to-many relation one query by keys. Its rows become bodies without model instances. What
cannot be compiled runs as DRF has it, on instances that load their relations together.

Modules, in the order in which data flows: ``allowed``, ``paths`` and ``convert`` know what
is Django's and DRF's own, ``compile`` makes a ``plan`` with them, ``cache`` keeps it;
``reading`` has ``execute`` run it over the rows of ``sql``, with ``peers`` where instances
are needed; ``views`` and ``render`` are where DRF meets it.
"""

from backstay.readplan.fields import CountField, DecimalSumField, SumField
from backstay.readplan.needs import needs
from backstay.readplan.peers import PeersMixin, with_peers
from backstay.readplan.reading import read, stream
from backstay.readplan.render import JSONRenderer
from backstay.readplan.views import ReadPlanMixin

__all__ = [
    "CountField",
    "DecimalSumField",
    "JSONRenderer",
    "PeersMixin",
    "ReadPlanMixin",
    "SumField",
    "needs",
    "read",
    "stream",
    "with_peers",
]
