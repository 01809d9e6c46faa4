"""One-shot search: a supernet is trained once and says which architectures to try.

Start at `strategy`; the strategies themselves are in `graphlab.nas.strategies`: darts and what is built on it
(pc_darts, darts_pt, rarts, sd_darts, tanglenas), spos and what is built on it (pa_da, few_shot), shift_nas, lpgnas and
elastic.

    strategy           `OneShot`, their base class; gradients of the bilevel problem; architectures by their probability
    training           `SupernetTraining`: losses, steps, and what keeps a supernet on disk
    evolve             evolution by a score that a supernet gives
    supernets          `Supernet`, and one file for each space that has one
    entangled          supernets whose options share weights
    costs              what architectures cost, as sums over their options
    importance         sampling by size of gradient
    gradient_matching  which options agree, and where a decision is cut
"""
