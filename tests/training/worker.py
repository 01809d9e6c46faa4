"""One process of a data-parallel test: `worker.py jobs.json` runs each job on an example data set.

A job names `model`, `example`, `store` and `settings`. `stop` [rank, step] sends that process SIGTERM in that
step, `nan` makes its loss NaN there, `fail` raises an error. Every process but rank 0 is kept from writing.
"""

import json
import os
import signal
import sys
from pathlib import Path

from graphlab.experiment import execute as execute_module
from graphlab.experiment.run import run
from graphlab.records import store
from graphlab.testing.examples import example

RANK = int(os.environ.get("RANK", "0"))


def disturb(job):
    """Wrap the loss of the job's task so that the step that is named goes wrong on the rank that is named."""
    fit = execute_module.fit

    def disturbed_fit(learner, task, *rest):
        compute, steps = task.loss, []

        def loss(learner, batch):
            steps.append(batch)
            now = [RANK, len(steps)]
            if now == job.get("stop"):
                signal.raise_signal(signal.SIGTERM)
            if now == job.get("fail"):
                raise RuntimeError("this process fails")
            return compute(learner, batch) * (float("nan") if now == job.get("nan") else 1.0)

        task.loss = loss
        return fit(learner, task, *rest)

    execute_module.fit = disturbed_fit
    return fit


def refuse(*arguments, **settings):
    raise AssertionError(f"rank {RANK} writes {arguments}")


def main(jobs):
    if RANK:
        store.write_atomic = store.write_json = store.FileLock = refuse
    stopped = False
    for job in jobs:
        undisturbed = disturb(job)
        try:
            run(job["model"], example(job["example"]), seeds=job.get("seeds", 1), store=job["store"], **job["settings"])
        except KeyboardInterrupt:
            stopped = True
        finally:
            execute_module.fit = undisturbed
    return 130 if stopped else 0


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text())))
