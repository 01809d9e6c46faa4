"""What a run predicts on test, as a file for the evaluator of the Open Graph Benchmark."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from graphlab.core.errors import InputError
from graphlab.core.files import write_atomic
from graphlab.core.seeds import SeedStream
from graphlab.experiment.restore import restore
from graphlab.experiment.runs import Runs
from graphlab.records.record import RunRecord


def submission(
    run: RunRecord | Runs | str, path: str | os.PathLike[str], store: str | os.PathLike[str] | None = None
) -> Path:
    """Write what a finished run predicts on test as compressed arrays without pickles, and give the path.

    The arrays are named as ogb's Evaluator takes them: `y_pred` int64 `[nodes, 1]` of nodes; of links `y_pred_pos`
    `[links]` and `y_pred_neg` `[pairs]`, or `[links, count]` where each has negatives of its own. They are in the order
    of the official split, so that the evaluator gives the test score of the run.

    Args:
        run: A record, `Runs`, a run's id or its beginning, or "latest".
        path: The .npz file.
        store: Where the run is.

    Raises:
        UnknownNameError, InputError: There is no such run, or the file cannot be written.
        IncompatibleError: The data set has no official evaluator.
        StoreError: As `restore` does.
    """
    trained = restore(run, store)
    task, target = trained.task, Path(path)
    SeedStream(trained.record.spec.seed).child("sampling").child("test").child("rank", 0).seed_torch()
    with torch.no_grad():
        rows = task.predict(trained.learner, "test")
    arrays = {name: values.numpy(force=True) for name, values in task.submission(rows, "test").items()}
    try:
        write_atomic(target, lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}", hint="choose another file") from None
    return target
