"""One-shot search: a supernet is trained once and says which architectures to try.

Start at `strategy`; the strategies are in `graphlab.nas.strategies`: darts, pc_darts, darts_pt, spos, lpgnas, elastic.

    strategy   `OneShot`, their base class; gradients of the bilevel problem; architectures by their probability
    training   `SupernetTraining`: losses, steps, and what keeps a supernet on disk
    evolve     evolution by a score that a supernet gives
    supernets  `Supernet`, and one file for each space that has one
"""
