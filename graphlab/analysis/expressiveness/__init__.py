"""Which graphs a test of the Weisfeiler-Lehman kind tells apart, exactly."""

from graphlab.analysis.expressiveness.ceilings import Ceilings, ceilings
from graphlab.analysis.expressiveness.classes import class_of, class_of_model, derived_class
from graphlab.analysis.expressiveness.compare import Partition, Separation, compare, partition, separates
from graphlab.analysis.expressiveness.examples import example_pairs
from graphlab.analysis.expressiveness.graphs import as_arrays
from graphlab.analysis.expressiveness.hierarchy import (
    HIERARCHY,
    Edge,
    Evidence,
    Pair,
    find_evidence,
    stronger_than,
    weaker_than,
)
from graphlab.analysis.expressiveness.placement import Placement, place
from graphlab.analysis.expressiveness.tests import TESTS, WLTest, find_tests
from graphlab.analysis.expressiveness.trained import Discrimination, discriminate

__all__ = [
    "HIERARCHY",
    "TESTS",
    "Ceilings",
    "Discrimination",
    "Edge",
    "Evidence",
    "Pair",
    "Partition",
    "Placement",
    "Separation",
    "WLTest",
    "as_arrays",
    "ceilings",
    "class_of",
    "class_of_model",
    "compare",
    "derived_class",
    "discriminate",
    "example_pairs",
    "find_evidence",
    "find_tests",
    "partition",
    "place",
    "separates",
    "stronger_than",
    "weaker_than",
]
