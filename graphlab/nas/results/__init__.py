"""What a search came to. Start at `result`.

result      `Search`: evaluations, the best, the front, the curve, what mattered; and the best trained anew
selection   which evaluation is the answer; the front of several objectives
plots       pictures of one search
simulation  searches over tables in memory, and their regret as they go on
"""
