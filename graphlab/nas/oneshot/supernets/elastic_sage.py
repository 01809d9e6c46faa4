"""The supernet of the space `elastic-sage`."""

from __future__ import annotations

from graphlab.nas.elastic.supernet import ElasticSupernet
from graphlab.nas.spaces.elastic_sage import ElasticSAGE


class ElasticSAGESupernet(ElasticSupernet):
    """See `ElasticSupernet`."""

    space = ElasticSAGE()
