"""Which graphs a test of the Weisfeiler-Lehman kind tells apart and what it knows of their nodes, exactly."""

from graphlab.analysis.expressiveness.ceilings import Ceilings, ceilings
from graphlab.analysis.expressiveness.classes import class_of, class_of_model, derived_class
from graphlab.analysis.expressiveness.compare import Partition, Separation, compare, partition, separates
from graphlab.analysis.expressiveness.determine import Determination, Determinations, Witness, determine
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
from graphlab.analysis.expressiveness.properties import PROPERTIES, Facts, Property, find_properties
from graphlab.analysis.expressiveness.stable import StableColours
from graphlab.analysis.expressiveness.tests import TESTS, WLTest, find_tests
from graphlab.analysis.expressiveness.trained import Discrimination, discriminate
from graphlab.analysis.expressiveness.untrained import UntrainedDiscrimination, discriminate_untrained

__all__ = [
    "HIERARCHY",
    "PROPERTIES",
    "TESTS",
    "Ceilings",
    "Determination",
    "Determinations",
    "Discrimination",
    "Edge",
    "Evidence",
    "Facts",
    "Pair",
    "Partition",
    "Placement",
    "Property",
    "Separation",
    "StableColours",
    "UntrainedDiscrimination",
    "WLTest",
    "Witness",
    "as_arrays",
    "ceilings",
    "class_of",
    "class_of_model",
    "compare",
    "derived_class",
    "determine",
    "discriminate",
    "discriminate_untrained",
    "example_pairs",
    "find_evidence",
    "find_properties",
    "find_tests",
    "partition",
    "place",
    "separates",
    "stronger_than",
    "weaker_than",
]
