"""The one place that knows Optuna: studies as histories of searches, where they lie, and samplers as strategies.

Start at `history`.

    history    `StudyHistory`: a search's history as an Optuna study, `open_history`, which finds or makes it; which
               decisions mattered
    pools      who works on a study, and who of them has died: one process, a folder's processes, a database's
    storage    where a study lies: memory, a journal in a folder, a PostgreSQL database
    samplers   `SamplerStrategy`: a sampler of Optuna's as a strategy
    internals  the only file that touches private parts of Optuna; setup.cfg bounds its version for them
"""
