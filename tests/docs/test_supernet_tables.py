"""The tables of supernets in docs/SEARCH.md are those of the stored studies."""

from __future__ import annotations

import pytest

from tests.docs.supernet_tables import PAGE, TABLES
from tests.docs.tables import written


@pytest.mark.parametrize("mark", sorted(TABLES))
def test_a_table_is_that_of_its_study(mark):
    text = PAGE.read_text(encoding="utf-8")
    assert written(text, mark, TABLES[mark]()) == text, "python -m tests.docs.supernet_tables writes it"
