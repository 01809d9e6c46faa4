"""The topology of links: how concentrated they are, and what goes with how well a model ranks them. Wang et al., ICLR
2024; see `graphlab.analysis.topology`.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphlab.analysis.topology.study import LinkStudy, Method, study_dataset, study_runs
from graphlab.data.dataset import Dataset
from graphlab.experiment.runs import Runs
from graphlab.records.record import RunRecord


def probe(
    dataset: Dataset,
    *,
    hops: int = 1,
    method: Method = "exact",
    seeds: Sequence[int] = (0,),
    pagerank: bool | None = None,
) -> LinkStudy:
    """The concentration of a data set's training, validation and test links, on the splits of some seeds."""
    return study_dataset(dataset, hops=hops, method=method, seeds=seeds, pagerank=pagerank)


def probe_run(
    run: RunRecord | Runs,
    *,
    hops: int = 1,
    method: Method = "exact",
    pagerank: bool | None = None,
    store: str | None = None,
) -> LinkStudy:
    """The same for the split of each run, and how well its model ranks the test links of each node."""
    return study_runs(run, hops=hops, method=method, pagerank=pagerank, store=store)
