"""optuna-dashboard opens the studies of searches."""

from __future__ import annotations

import io
import json

import optuna_dashboard
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

import graphlab as gl


def get(app, path):
    """A page of the dashboard, without a server."""
    said = []
    request = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "", "wsgi.input": io.BytesIO()}
    server = {"SERVER_NAME": "here", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.errors": io.StringIO()}
    body = b"".join(app(request | server, lambda status, headers, error=None: said.append(status)))
    return said[0], body


def test_it_shows_every_trial_with_its_choices(tmp_path):
    found = gl.search(
        "random", "karate", space="gcn", trials=3, store=tmp_path, on="validation", **{"training.epochs": 2}
    )
    (journal,) = tmp_path.glob("searches/*/journal.log")
    app = optuna_dashboard.wsgi(JournalStorage(JournalFileBackend(str(journal))))
    status, body = get(app, "/api/studies")
    (study,) = json.loads(body)["study_summaries"]
    assert (status, study["study_name"]) == ("200 OK", found.study.study_name)
    status, body = get(app, f"/api/studies/{study['study_id']}")
    trials = json.loads(body)["trials"]
    assert [trial["state"] for trial in trials] == ["Complete"] * 3
    for trial, one in zip(trials, found.outcomes, strict=True):
        shown = {param["name"]: param["param_external_value"] for param in trial["params"]}
        assert shown == {name: str(value) for name, value in one.params.items()}
        assert trial["values"] == list(one.objectives)
    assert json.loads(body)["objective_names"] == ["validation"]
    assert get(app, "/dashboard/")[0] == "200 OK"


def test_it_names_every_objective(tmp_path):
    options = {"space": "gcn", "store": tmp_path, "on": "validation", "training.epochs": 2}
    found = gl.search("nsga2", "karate", trials=2, objectives=("validation", "parameters"), **options)
    assert found.study.metric_names == ["validation", "parameters"]
    again = gl.search("nsga2", "karate", trials=3, objectives=("validation", "parameters"), **options)
    assert again.study.metric_names == ["validation", "parameters"] and len(again.outcomes) == 3
