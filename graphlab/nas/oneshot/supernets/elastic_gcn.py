"""The supernet of the space `elastic-gcn`."""

from __future__ import annotations

from graphlab.nas.elastic.supernet import ElasticSupernet
from graphlab.nas.spaces.elastic_gcn import ElasticGCN


class ElasticGCNSupernet(ElasticSupernet):
    """See `ElasticSupernet`."""

    space = ElasticGCN()
