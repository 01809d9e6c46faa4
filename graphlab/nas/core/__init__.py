"""A search without Optuna and without a disk: everything in this folder works in memory.

Start at `loop`, which is the whole of a search: ask a strategy, evaluate, tell the history.

    loop        `SearchLoop`: ask, evaluate, tell, until every evaluation is done
    space       `Space`: decisions, and when two choices are the same architecture
    strategy    `Strategy`: proposes an architecture from the outcomes so far
    objective   `Objective`: evaluates an architecture; `Limit`: the worst value of a metric that is allowed
    outcome     `Evaluation` and `Outcome`: what an architecture came to
    history     `History`: which evaluations are over, under way and open; `MemoryHistory` is one in memory

`graphlab.nas.optuna` has the history that is kept on disk or in a database and shared by several processes.
"""
