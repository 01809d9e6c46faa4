"""Tables of the terminal show cells as they are."""

from __future__ import annotations

import pandas as pd

from graphlab.cli.output import print_frame


def test_brackets_are_no_markup_and_truth_is_not_a_number(capsys):
    print_frame(pd.DataFrame({"name": ["[film] starring", "[/m/02] x"], "held": [True, False]}), as_json=False)
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.split() == ["[film]", "starring", "True"]
    assert second.split() == ["[/m/02]", "x", "False"]
