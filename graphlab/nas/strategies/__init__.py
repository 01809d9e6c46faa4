"""Search strategies, one a file, each a `graphlab.nas.core.strategy.Strategy`. Start at `evolution`, the shortest.

evolution, local_search          walks through neighbours
graphnas, agnn                   recurrent controllers, which learn by reinforcement
bayesian, predictor, transfer    a surrogate chooses: see `graphlab.nas.surrogates`
darts, pc_darts, darts_pt, spos  a supernet is trained once: see `graphlab.nas.oneshot`
rarts, sd_darts, tanglenas       other ways to learn a mixture of it
few_shot, pa_da, shift_nas       other ways to draw its paths
parzc                            a trained ranking of zero-cost statistics
screened, shortlist              ask another strategy
random, tpe, gp, nsga2           samplers of Optuna's: see `graphlab.nas.optuna.samplers`
"""
