"""Which test a set of aggregations, or a model, is as strong as."""

from __future__ import annotations

from typing import Any

from graphlab.core.errors import InputError
from graphlab.model.base import Model
from graphlab.model.subgraph.network import SubgraphNetwork
from graphlab.model.subgraph.policies import Distance, NodeMarked, Resistance
from graphlab.model.zoo.subgraph import WITH_RESISTANCE
from graphlab.ops.colour_refinement import PairRefinement

TURNED = {"vu": "vu", "uu": "vv", "vv": "uu", "uL": "vL", "vL": "uL", "uG": "vG", "vG": "uG"}
"""What an aggregation is when root and node change places."""

NO_MORE = {"uL", "uu", "uG"}
"""What adds nothing where the neighbours of the node are seen."""


def class_of(refinement: PairRefinement) -> str:
    """The name of the test in the hierarchy that tells the same connected graphs apart (Zhang et al., ICML 2023,
    section 4: where the node's neighbours are seen there are six classes; else by exchange of root and node).

    Raises InputError for a set that never looks along an edge, or one that no theorem places.
    """
    names, pool = refinement.aggregations, refinement.pool
    for folklore, name in (("FWL", "FWL(2)"), ("SLFWL", "SLFWL(2)")):
        if folklore in names:
            return name
    if "LFWL" in names:
        if names - {"LFWL"} <= NO_MORE | {"vv"} and pool == "flat":
            return "LFWL(2)"
        raise InputError("what LFWL becomes with these aggregations or this pooling has no name", hint="leave them out")
    if not names & {"uL", "vL"}:
        raise InputError("without uL, vL or a folklore aggregation no edge is ever seen", hint="add one of them")
    if pool == "flat":
        raise InputError("aggregations of subgraphs are pooled by VS or SV", hint="name one of the two")
    if "uL" not in names:
        names, pool = frozenset(TURNED[name] for name in names), "SV" if pool == "VS" else "VS"
    if names & {"vL", "vu"}:
        return "SSWL"
    if "vG" in names:
        return "GSWL"
    return f"PSWL({pool})" if "vv" in names else f"SWL({pool})"


def class_of_model(model: type[Model], config: Any) -> str | None:
    """The test that tells apart any two graphs that a model of this config does: as the model says or, where it says
    nothing and is a point of the algebra, as follows from what it aggregates; None where none is known."""
    return model.expressiveness(config) or derived_class(model, config)


def derived_class(model: type[Model], config: Any) -> str | None:
    """The class of a point of the algebra over whole graphs with a root's mark, distances or resistances from it, as
    `class_of` the aggregations of all its layers together and its pooling; None of any other model, and of one that
    never looks along an edge.

    Distances add nothing: a mark and as many layers find them out (Zhang et al., ICML 2023, section 3).
    """
    if not issubclass(model, SubgraphNetwork):
        return None
    policy = model.preparation(config)
    names = frozenset(name for one in model.sets(config) for name in one)
    if not isinstance(policy, Distance | NodeMarked | Resistance) or not names & {"uL", "vL"}:
        return None
    test = class_of(PairRefinement(names - {"uv"}, model.pooled(config)))
    return WITH_RESISTANCE.get(test, test) if isinstance(policy, Resistance) else test
