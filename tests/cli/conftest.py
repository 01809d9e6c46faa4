"""The command line, run in this process as a user would run it."""

import json
import sys
from dataclasses import dataclass

import pytest

from graphlab import cli as module


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def cli(monkeypatch, capsys):
    """`cli("run", "gcn", ...)` gives exit code and what was printed; a traceback would be an exception here."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["graphlab", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            module.main()
        printed = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), printed.out, printed.err)

    return call
