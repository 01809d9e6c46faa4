"""Models of what architectures score, which strategies and selection ask.

points            architectures as points, scores as targets: what all of them have in common
gaussian_process  regression that grows by single observations
graph_ensemble    small graph networks that order architectures
zero_cost_mixer   a mixer over statistics of untrained tensors that orders networks
sources           what tables of other data sets let expect
"""
