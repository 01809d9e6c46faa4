"""The tests, by name. What they are is in `graphlab.ops.colour_refinement`; here is which of them there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphlab.analysis.expressiveness.naming import chosen
from graphlab.ops.colour_refinement import NodeRefinement, PairRefinement, Refinement, TripleRefinement

ICLR = "Zhang et al., ICLR 2023"
ICML = "Zhang et al., ICML 2023"


@dataclass(frozen=True)
class WLTest:
    """A test of the Weisfeiler-Lehman kind: a way to refine colours, a name and where it is defined.

    Any set of aggregations makes one, not only those that have a name here:
    `WLTest("mine", PairRefinement(frozenset({"uL", "uu"}), "SV"))`.
    """

    name: str
    refinement: Refinement
    source: str = ""


def _pairs(*aggregations: str, pool: str = "flat") -> PairRefinement:
    return PairRefinement(frozenset(aggregations), pool)  # pyright: ignore[reportArgumentType]


TESTS = {
    test.name: test
    for test in (
        WLTest("1-WL", NodeRefinement("neighbours"), "Weisfeiler and Lehman, 1968"),
        WLTest("SPD-WL", NodeRefinement("shortest"), ICLR),
        WLTest("RD-WL", NodeRefinement("resistance"), ICLR),
        WLTest("SWL(VS)", _pairs("uL", pool="VS"), ICML),
        WLTest("PSWL(VS)", _pairs("uL", "vv", pool="VS"), ICML),
        WLTest("LFWL(2)", _pairs("LFWL"), ICML),
        WLTest("SWL(SV)", _pairs("uL", pool="SV"), ICML),
        WLTest("PSWL(SV)", _pairs("uL", "vv", pool="SV"), ICML),
        WLTest("GSWL", _pairs("uL", "vG", pool="VS"), ICML),
        WLTest("SSWL", _pairs("uL", "vL", pool="VS"), ICML),
        WLTest("SLFWL(2)", _pairs("SLFWL"), ICML),
        WLTest("FWL(2)", _pairs("FWL"), "Cai, Fürer and Immerman, Combinatorica 1992"),
        WLTest("FWL(3)", TripleRefinement(), "Cai, Fürer and Immerman, Combinatorica 1992"),
    )
}
"""In the order in which BREC ranks them."""

USUAL = tuple(name for name in TESTS if name != "FWL(3)")
"""`all`: those that take graphs of any size."""


def find_tests(tests: str | WLTest | Iterable[str | WLTest]) -> tuple[WLTest, ...]:
    """Tests from `all`, a name, names with commas between them as "all, FWL(3)", or a list of names and tests.

    Raises UnknownNameError with the nearest names, InputError where there is none or two differ and share a name.
    """
    return chosen(tests, WLTest, "test", TESTS, [TESTS[name] for name in USUAL])
