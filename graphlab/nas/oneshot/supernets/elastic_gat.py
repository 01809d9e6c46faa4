"""The supernet of the space `elastic-gat`."""

from __future__ import annotations

from graphlab.nas.elastic.supernet import ElasticSupernet
from graphlab.nas.spaces.elastic_gat import ElasticGAT


class ElasticGATSupernet(ElasticSupernet):
    """See `ElasticSupernet`."""

    space = ElasticGAT()
