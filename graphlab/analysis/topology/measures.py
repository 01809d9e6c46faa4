"""The topological values of a node that studies compare."""

MEASURES = {
    "tc_test": "concentration of test links",
    "tc_validation": "concentration of validation links",
    "tc_train": "concentration of training links",
    "degree_train": "training degree",
    "degree_test": "test degree",
    "core_number": "core number",
    "clustering": "clustering",
    "ego_density": "density around the node",
    "ppr_near": "PageRank near the node",
    "ppr_test": "PageRank on test neighbours",
}
"""Names of the topological values of a node, and what they are."""

PAGERANK = ("ppr_near", "ppr_test")
"""Those that a study leaves out where they take long."""
