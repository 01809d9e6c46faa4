"""What the outputs of each algorithm must be, by other means: networkx, numpy, scipy, exact fractions, brute force."""

from __future__ import annotations

import bisect
import itertools
from fractions import Fraction

import networkx as nx
import numpy as np
from scipy.sparse import csgraph
from scipy.spatial import ConvexHull


def sort(inputs, outputs):
    _chain(outputs["pred"], np.argsort(inputs["key"], kind="stable"))


def _chain(pointers, order):
    expected = np.empty(len(order), int)
    expected[order[1:]], expected[order[0]] = order[:-1], order[0]
    np.testing.assert_array_equal(pointers, expected)


def minimum(inputs, outputs):
    assert outputs["min"].argmax() == inputs["key"].argmin()


def binary_search(inputs, outputs):
    place = min(np.searchsorted(inputs["key"], inputs["target"]), len(inputs["key"]) - 1)
    assert outputs["return"].argmax() == place


def quickselect(inputs, outputs):
    keys = inputs["key"]
    assert outputs["median"].argmax() == np.argsort(keys)[len(keys) // 2]


def maximum_subarray(inputs, outputs):
    sums = np.concatenate([[0], np.cumsum(inputs["key"])])
    best = max(sums[end] - sums[start] for start, end in itertools.combinations(range(len(sums)), 2))
    start, end = outputs["start"].argmax(), outputs["end"].argmax()
    assert start <= end and abs(sums[end + 1] - sums[start] - best) < 1e-9


def matrix_chain(inputs, outputs):
    dimensions, splits = inputs["p"], outputs["s"].astype(int)
    matrices = len(dimensions) - 1
    best = np.zeros((matrices + 1, matrices + 1))
    for length in range(2, matrices + 1):
        for first in range(1, matrices - length + 2):
            last = first + length - 1
            best[first, last] = min(
                best[first, k] + best[k + 1, last] + dimensions[first - 1] * dimensions[k] * dimensions[last]
                for k in range(first, last)
            )

    def cost(first, last):
        if first == last:
            return 0.0
        middle = splits[first, last]
        product = dimensions[first - 1] * dimensions[middle] * dimensions[last]
        return cost(first, middle) + cost(middle + 1, last) + product

    assert abs(cost(1, matrices) - best[1, matrices]) < 1e-9


def lcs(inputs, outputs):
    second = inputs["string"] == 1
    left, right = inputs["key"][~second], inputs["key"][second]
    lengths = np.zeros((len(left) + 1, len(right) + 1), int)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            lengths[i + 1, j + 1] = lengths[i, j] + 1 if a == b else max(lengths[i, j + 1], lengths[i + 1, j])
    i, j, common = len(left) - 1, len(right) - 1, 0
    while i >= 0 and j >= 0:
        origin = outputs["b"][i, len(left) + j]
        if origin == 0:
            assert left[i] == right[j]
            common += 1
        i, j = i - (origin != 2), j - (origin != 1)
    assert common == lengths[-1, -1]
    pairs = ~second[:, None] & second
    assert (outputs["b"][~pairs] == -1).all() and (outputs["b"][pairs] >= 0).all()


def search_tree(inputs, outputs):
    keys, gaps, roots = inputs["p"][:-1], inputs["q"], outputs["root"].astype(int)
    number = len(keys)
    weight = np.concatenate([[0], np.cumsum(keys)]), np.concatenate([[0], np.cumsum(gaps)])
    best = np.diag(gaps)
    for length in range(1, number + 1):
        for first in range(number - length + 1):
            end = first + length
            within = weight[0][end] - weight[0][first] + weight[1][end + 1] - weight[1][first]
            best[first, end] = within + min(best[first, root] + best[root + 1, end] for root in range(first, end))

    def cost(first, end, depth):
        if first == end:
            return gaps[first] * (depth + 1)
        root = roots[first, end]
        below = cost(first, root, depth + 1) + cost(root + 1, end, depth + 1)
        return keys[root] * (depth + 1) + below

    assert abs(cost(0, number, 0) - best[0, number]) < 1e-9


def activities(inputs, outputs):
    order = np.argsort(inputs["f"])
    starts, finishes = inputs["s"][order], inputs["f"][order]
    best = [0]
    for index in range(len(order)):
        before = bisect.bisect_right(finishes[:index], starts[index])
        best.append(max(best[-1], best[before] + 1))
    chosen = outputs["selected"][order] == 1
    assert (starts[chosen][1:] >= finishes[chosen][:-1]).all()
    assert chosen.sum() == best[-1]
    if len(order) <= 7:
        subsets = itertools.chain.from_iterable(
            itertools.combinations(range(len(order)), k) for k in range(len(order) + 1)
        )
        compatible = [
            len(subset) for subset in map(list, subsets) if (starts[subset][1:] >= finishes[subset][:-1]).all()
        ]
        assert chosen.sum() == max(compatible)


def best_tasks(inputs):
    """The weight of the best tasks that all meet their deadlines."""
    deadlines, weights = inputs["d"].astype(int), inputs["w"]

    def feasible(tasks):
        return all(deadline > time for time, deadline in enumerate(sorted(deadlines[list(tasks)])))

    if len(deadlines) <= 7:
        numbers = range(len(deadlines))
        subsets = itertools.chain.from_iterable(itertools.combinations(numbers, k) for k in (*numbers, len(numbers)))
        return max(weights[list(subset)].sum() for subset in subsets if feasible(subset))
    kept: list[int] = []
    for task in np.argsort(-weights).tolist():
        if feasible([*kept, task]):
            kept.append(task)
    return weights[kept].sum()


def tasks(inputs, outputs):
    """What the rule takes meets its deadlines, but need not be the best."""
    deadlines, weights = inputs["d"].astype(int), inputs["w"]
    time = 0
    for task in np.argsort(-weights):
        assert outputs["selected"][task] == (time < deadlines[task])
        time += outputs["selected"][task]
    assert weights[outputs["selected"] == 1].sum() <= best_tasks(inputs) + 1e-9


def dfs(inputs, outputs):
    graph = nx.from_numpy_array(inputs["A"], create_using=nx.DiGraph)
    parents = dict(nx.dfs_predecessors(graph)) if len(graph) else {}
    assert outputs["pi"].tolist() == [parents.get(node, node) for node in range(len(graph))]


def topological_order(inputs, outputs):
    node, position = int(outputs["topo_head"].argmax()), {}
    while node not in position:
        position[node] = len(position)
        node = int(outputs["topo"][node])
    assert len(position) == len(inputs["A"])
    assert all(position[source] < position[target] for source, target in zip(*np.nonzero(inputs["A"]), strict=True))


def components(inputs, outputs):
    number, labels = csgraph.connected_components(inputs["A"], connection="strong")
    names = outputs["scc_id"]
    assert len(set(names.tolist())) == number == len(set(zip(labels.tolist(), names.tolist(), strict=True)))
    assert (labels[names] == labels).all()


def _simple(inputs):
    graph = nx.from_numpy_array(inputs["A"])
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    return graph


def articulation(inputs, outputs):
    assert set(np.flatnonzero(outputs["is_cut"]).tolist()) == set(nx.articulation_points(_simple(inputs)))


def bridges(inputs, outputs):
    expected = np.where(inputs["adj"] == 1, 0, -1)
    for pair in nx.bridges(_simple(inputs)):
        expected[pair] = expected[pair[::-1]] = 1
    np.testing.assert_array_equal(outputs["is_bridge"], expected)


def _distances(matrix, source=None):
    """Of one source or of all; no edge where the matrix is 0."""
    return csgraph.shortest_path(csgraph.csgraph_from_dense(matrix), indices=source)


def shortest_paths(inputs, outputs):
    source = int(inputs["s"].argmax())
    _tree(inputs["A"], source, outputs["pi"], _distances(inputs["A"], source))


def _tree(matrix, source, parents, distances):
    """Each pointer is the last step of a shortest path; others point at themselves."""
    for node, parent in enumerate(parents):
        if node == source or not np.isfinite(distances[node]):
            assert parent == node
        else:
            assert matrix[parent, node] != 0
            assert abs(distances[parent] + matrix[parent, node] - distances[node]) < 1e-9


def all_pairs(inputs, outputs):
    matrix, pointers = inputs["A"], outputs["Pi"]
    distances = _distances(matrix)
    rows, columns = np.indices(matrix.shape)
    apart = rows != columns
    reached = apart & np.isfinite(distances)
    assert (pointers[apart & ~reached] == rows[apart & ~reached]).all()
    row, before, node = rows[reached], pointers[reached], columns[reached]
    assert (matrix[before, node] != 0).all()
    np.testing.assert_allclose(distances[row, before] + matrix[before, node], distances[reached], atol=1e-9)


def spanning_forest(inputs, outputs):
    matrix, chosen = inputs["A"], outputs["in_mst"]
    np.testing.assert_array_equal(chosen, chosen.T)
    components = csgraph.connected_components(matrix, directed=False)[0]
    assert np.triu(chosen).sum() == len(matrix) - components
    assert csgraph.connected_components(chosen, directed=False)[0] == components
    weight = csgraph.minimum_spanning_tree(np.triu(matrix, 1)).sum()
    assert abs((np.triu(chosen) * matrix).sum() - weight) < 1e-9


def spanning_tree(inputs, outputs):
    matrix, source = inputs["A"], int(inputs["s"].argmax())
    labels = csgraph.connected_components(matrix, directed=False)[1]
    inside = np.flatnonzero(labels == labels[source])
    parents = outputs["pi"].astype(int)
    outside = np.flatnonzero(labels != labels[source])
    assert (parents[outside] == outside).all() and parents[source] == source
    joined = [(int(node), int(parents[node])) for node in inside if node != source]
    tree = nx.Graph(joined)
    tree.add_node(source)
    assert set(tree) == set(inside.tolist()) and nx.is_tree(tree)
    weight = csgraph.minimum_spanning_tree(np.triu(matrix[np.ix_(inside, inside)], 1)).sum()
    assert abs(sum(matrix[pair] for pair in joined) - weight) < 1e-9


def matching(inputs, outputs):
    matrix = inputs["A"]
    sink = len(matrix) - 1
    left = np.flatnonzero(matrix[0])
    graph = nx.from_numpy_array(matrix[1:sink, 1:sink])
    best = len(nx.bipartite.maximum_matching(graph, top_nodes=[node - 1 for node in left])) // 2
    right = np.setdiff1d(np.arange(1, sink), left)
    matched = outputs["in_matching"][np.ix_(left, right)] == 1
    assert matched.sum() == best and (matched.sum(0) <= 1).all() and (matched.sum(1) <= 1).all()
    assert (matrix[np.ix_(left, right)][matched] == 1).all()


def match(inputs, outputs):
    haystack, needle = ("".join(map(str, inputs["key"][inputs["string"] == part])) for part in (0, 1))
    assert needle in haystack and outputs["match"].argmax() == haystack.find(needle)


def segments(inputs, outputs):
    points = [(Fraction(x), Fraction(y)) for x, y in zip(inputs["x"].tolist(), inputs["y"].tolist(), strict=True)]

    def side(a, b, c):
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        return (area > 0) - (area < 0)

    def within(a, b, c):
        return side(a, b, c) == 0 and all(min(a[k], b[k]) <= c[k] <= max(a[k], b[k]) for k in (0, 1))

    a, b, c, d = points
    crossing = side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
    touching = within(a, b, c) or within(a, b, d) or within(c, d, a) or within(c, d, b)
    assert outputs["intersect"] == int(crossing or touching)


def hull(inputs, outputs):
    vertices = ConvexHull(np.stack([inputs["x"], inputs["y"]], 1)).vertices
    assert set(np.flatnonzero(outputs["in_hull"]).tolist()) == set(vertices.tolist())


ORACLES = {
    "insertion_sort": sort,
    "bubble_sort": sort,
    "heapsort": sort,
    "quicksort": sort,
    "minimum": minimum,
    "binary_search": binary_search,
    "quickselect": quickselect,
    "find_maximum_subarray": maximum_subarray,
    "find_maximum_subarray_kadane": maximum_subarray,
    "matrix_chain_order": matrix_chain,
    "lcs_length": lcs,
    "optimal_bst": search_tree,
    "activity_selector": activities,
    "task_scheduling": tasks,
    "dfs": dfs,
    "topological_sort": topological_order,
    "strongly_connected_components": components,
    "articulation_points": articulation,
    "bridges": bridges,
    "bfs": shortest_paths,
    "bellman_ford": shortest_paths,
    "dijkstra": shortest_paths,
    "dag_shortest_paths": shortest_paths,
    "floyd_warshall": all_pairs,
    "mst_kruskal": spanning_forest,
    "mst_prim": spanning_tree,
    "bipartite_matching": matching,
    "naive_string_matcher": match,
    "kmp_matcher": match,
    "segments_intersect": segments,
    "graham_scan": hull,
    "jarvis_march": hull,
}
"""For each algorithm a function of the inputs and outputs of one instance that fails if these are wrong."""
