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
}
"""Names of the topological values of a node, and what they are."""
