"""Run records: the store, and statistics over seeds."""

from graphlab.records.record import Result, RunRecord, RunSpec
from graphlab.records.statistics import Summary, summarise
from graphlab.records.store import Store

__all__ = ["Result", "RunRecord", "RunSpec", "Store", "Summary", "summarise"]
