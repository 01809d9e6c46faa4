"""Each claim of docs/STORE.md names tests, and each of them exists."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.docs.blocks import ROOT

PAGE = (ROOT / "docs" / "STORE.md").read_text(encoding="utf-8")
CLAIM = re.compile(r"^(\d+)\. (.*?)(?=^\d+\. |^#|\Z)", re.M | re.S)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
CLAIMS = {int(number): text for number, text in CLAIM.findall(PAGE)}


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_claims_are_numbered_from_one():
    assert list(CLAIMS) == list(range(1, len(CLAIMS) + 1)) and len(CLAIMS) > 30


@pytest.mark.parametrize("number", CLAIMS)
def test_a_claim_names_tests_that_exist(number):
    named = TEST.findall(CLAIMS[number])
    assert named, "no test is named"
    missing = [f"{file}::{test}" for file, test in named if test not in functions_of(file)]
    assert not missing


def test_the_readme_leads_to_the_page():
    assert "docs/STORE.md" in (ROOT / "README.md").read_text(encoding="utf-8")
