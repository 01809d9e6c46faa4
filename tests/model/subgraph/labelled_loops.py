"""Labels of shells, resistances and the layers that read them, by loops over subgraphs."""

from __future__ import annotations

import networkx as nx
import torch

from tests.model.subgraph.loops import each, heard, total


def labels(graph, root, node):
    """The distance from the root and one more, and the same again where several edges lead there from nearer nodes."""
    away = nx.single_source_shortest_path_length(graph, root)
    nearer = [w for w in graph[node] if away[w] == away[node] - 1]
    return away[node] + 1, (away[node] + 1 if len(nearer) > 1 else 0)


def resistance(graph, root, node):
    return 0.0 if root == node else nx.resistance_distance(graph, root, node)


def vector(module, graph, roots, node, shift):
    """z of a node around one root or two."""
    rows = [
        module.table.weight[label + k * shift] for k, root in enumerate(roots) for label in labels(graph, root, node)
    ]
    z = torch.stack(rows).sum(0)
    if module.resistance is None:
        return z
    return z + module.resistance(torch.tensor([resistance(graph, root, node) for root in roots], dtype=z.dtype))


def labelled(layer, parts, whole, h, z):
    """GIN([h | z]) of all tuples."""
    conv = layer.inside.convolution
    rows = {key: torch.cat([h[key], z[key]]) for key in h}
    out = {}
    for key, row in rows.items():
        sent = []
        for source, kind in heard("uL", parts, whole, *key):
            plain = conv.table is None
            sent.append(rows[source] if plain else (rows[source] + conv.table.map.tables[0].weight[kind]).relu())
        out[key] = (1 + conv.eps) * row + total(sent, row)
    return each(conv.mlp, out)
