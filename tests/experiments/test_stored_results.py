"""The results in `experiments/results`: read by today's reader, of runs that today's files would do, judged today."""

import json

import pytest

from graphlab.comparison.rows import rows_json
from graphlab.core.errors import DataError
from graphlab.experiment import reproduce as module
from graphlab.experiment.results import read_results, stored_leaderboards
from tests.docs.tables import RESULTS

FILES = sorted(RESULTS.glob("*.json"))
QUICK = ("gcn_cora", "gat_cora", "mlp_cora", "kg_umls", "quickstart", "tu_mutag")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_results_are_read_and_judged(path):
    """Ids follow from the specs beside them, and the verdicts are those of this version."""
    boards = [rows_json(name, rows) for name, rows in stored_leaderboards(read_results(path)).items()]
    assert json.loads(json.dumps(boards)) == json.loads(path.read_text())["leaderboards"]


@pytest.mark.real_data
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=() if path.stem in QUICK else pytest.mark.slow) for path in FILES],
    ids=lambda path: path.stem,
)
def test_results_are_those_of_what_the_files_run_today(path, monkeypatch, tmp_path):
    """By the ids: settings, data and versions of every run are what the experiment file comes to now."""
    stored = {runs.records[0].id: runs for runs in read_results(path)}

    def read(plans, seeds, *rest, **options):
        for plan in plans:
            assert [plan.spec(seed).id for seed in seeds] == [r.id for r in stored[plan.spec(seeds[0]).id]]
        return [stored[plan.spec(seeds[0]).id] for plan in plans]

    monkeypatch.setattr(module, "run_plans", read)
    comparison = module.reproduce(RESULTS.parent / f"{path.stem}.yaml", store=tmp_path)
    assert comparison.ok
    assert json.loads(json.dumps(comparison.to_json())) == json.loads(path.read_text())


def test_a_result_whose_spec_was_edited_is_refused(tmp_path):
    content = json.loads((RESULTS / "gcn_cora.json").read_text())
    content["runs"][0]["specs"][3]["identity"]["settings"]["training.epochs"] = 7
    (tmp_path / "edited.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="has the spec of run"):
        read_results(tmp_path / "edited.json")
