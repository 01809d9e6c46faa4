"""Knowledge graphs: facts, what is known to be true, and triples that are trained on or asked.

A triple (h, r, t) is told by the code (h N + t) R + r, so that the sorted codes of facts also list what joins two
entities. Training triples that are the facts, and known triples that are all parts in a row, are known as they lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations

import torch
from torch import Tensor

from graphlab.data.dataset import Split
from graphlab.data.draft import Draft, integers, outside, range_hint, refuse, some
from graphlab.data.item_checks import SAME, check_no_mask, named

CONFIDENCE = 0.99
"""Share of a relation's training triples that must be there turned round, before allowing for those held out."""

COLUMNS = ("head", "relation", "tail")

ALONE = "the graph"
"""How findings call the graph of a data set that has one."""


class KnowledgeGraph:
    """One knowledge graph as the check sees it.

    facts                codes of the facts, sorted
    entities, relations  which of them facts have
    """

    def __init__(self, draft: Draft, place: int, num_relations: int, name: str) -> None:
        graph = draft.graphs[place]
        self.name, self.size, self.num_relations = name, draft.sizes[place], num_relations
        if self.size**2 * num_relations >= 2**63:
            refuse(
                f"{draft.place(place)} has {self.size:,} entities and {num_relations:,} relations",
                "a triple is told by a number of 63 bits: keep entities squared times relations below 2**63",
            )
        self.head, self.tail = graph["edge_index"]
        self.relation: Tensor = graph["edge_type"]
        self.known: Tensor = graph["known_triples"]
        self.facts = self._code(self.head, self.relation, self.tail).sort().values
        self.entities = _marked(self.size, (self.head, self.tail))
        self.relations = _marked(num_relations, [self.relation])

    def _code(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        return (head * self.size + tail) * self.num_relations + relation

    def code(self, triples: Tensor) -> Tensor:
        return self._code(triples[:, 0], triples[:, 1], triples[:, 2])

    def are_facts(self, triples: Tensor) -> bool:
        """Whether the triples are the facts, in their order."""
        columns = zip((self.head, self.relation, self.tail), triples.unbind(1), strict=True)
        return len(triples) == len(self.head) and all(torch.equal(fact, column) for fact, column in columns)

    def turned(self, triples: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs (row of a triple (h, r, t), relation r' of a fact (t, r', h)), of h other than t."""
        head, _, tail = triples.unbind(1)
        low, order = self._code(tail, torch.zeros_like(tail), head).sort()  # sorted, the search stays in the cache
        first, last = torch.searchsorted(self.facts, torch.stack([low, low + self.num_relations]))
        count = torch.where((head == tail)[order], 0, last - first)
        row = torch.repeat_interleave(torch.arange(len(triples)), count)
        offset = torch.arange(len(row)) - (count.cumsum(0) - count)[row]
        return order[row], self.facts[first[row] + offset] % self.num_relations


def check_triples(draft: Draft, splits: Sequence[Split]) -> list[str]:
    """Facts and triples fit the graphs that they are asked in; what is suspicious is a finding."""
    spec, data = draft.spec, draft.dataset
    for place, size in enumerate(draft.sizes):
        if spec.num_entities not in (None, size):
            refuse(
                f"{draft.place(place)} has {size:,} entities, and spec.num_entities is {spec.num_entities:,}",
                f"say num_entities={size}; or None where the entities of graphs are others",
            )
    graphs = [_graph(draft, place, spec.num_relations) for place in range(len(draft.graphs))]
    where = {"train": 0, "validation": data.validation_graph, "test": len(graphs) - 1}
    findings: list[str] = []
    for k, (place, split) in enumerate(named(draft, splits)):
        check_no_mask(place, split, "triples")
        parts = {part: _shaped(f"the {part} part of {place}", rows, 3) for part, rows in split.parts()}
        queried = [
            QueriedParts(graph, place, {part: rows for part, rows in parts.items() if where[part] == w})
            for w, graph in enumerate(graphs)
        ]
        if k == 0:
            findings = [*(finding for each in queried for finding in each.findings()), *_of_relations(queried)]
    return findings


def check_triples_of_many(draft: Draft, splits: Sequence[Split]) -> list[str]:
    """As `check_triples`, of rows that name a graph first; every graph is asked about."""
    names = draft.dataset.labels["graphs"]
    for place, graph in enumerate(draft.graphs):
        count = graph.get("num_relations")
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            refuse(f"{draft.place(place)} has num_relations={count!r}", "say how many relations each graph has")
    graphs = [_graph(draft, k, graph["num_relations"], f"graph {names[k]!r}") for k, graph in enumerate(draft.graphs)]
    findings: list[str] = []
    for number, (place, split) in enumerate(named(draft, splits)):
        check_no_mask(place, split, "rows (graph, head, relation, tail)")
        rows = {part: _shaped(f"the {part} part of {place}", items, 4) for part, items in split.parts()}
        wrong = outside(torch.cat([items[:, 0] for items in rows.values()]), len(graphs))
        if wrong is not None:
            refuse(f"{place} names graphs {some(wrong)}", f"graphs are 0 to {len(graphs) - 1:,}")
        for k, graph in enumerate(graphs):
            parts = {part: items[items[:, 0] == k][:, 1:] for part, items in rows.items()}
            queried = QueriedParts(graph, f"{place}, {graph.name}", parts)
            if number == 0:
                findings += queried.findings()
                findings += [] if any(map(len, parts.values())) else [f"{graph.name} is not asked about"]
    return findings


def _graph(draft: Draft, place: int, num_relations: int, name: str = "") -> KnowledgeGraph:
    """A graph whose facts and known triples have been looked at."""
    graph, where = draft.graphs[place], draft.place(place)
    num_edges = graph["edge_index"].shape[1]
    for key, remedy in (
        ("edge_type", "give the relation of each edge, int64 [E]"),
        ("known_triples", "give all that is true in this graph, int64 [K, 3]: facts, validation and test together"),
    ):
        if graph.get(key) is None:
            refuse(f"{where} has no {key}", remedy)
    relation = integers(draft, place, "edge_type", "int64 [E]")
    if relation.shape != (num_edges,):
        refuse(f"{where} has edge_type of the shape {list(relation.shape)}, not {[num_edges]}", "one relation an edge")
    _refuse_relations(f"{where}: edge_type", relation, num_relations)
    _shaped(f"known_triples of {where}", integers(draft, place, "known_triples", "int64 [K, 3]"), 3)
    return KnowledgeGraph(draft, place, num_relations, name or (f"graph {place}" if len(draft.graphs) > 1 else ALONE))


def _shaped(what: str, rows: Tensor, width: int) -> Tensor:
    """Rows `[n, width]`."""
    if rows.dim() != 2 or rows.shape[1] != width:
        needed = "(head, relation, tail)" if width == 3 else "(graph, head, relation, tail)"
        refuse(f"{what} has the shape {list(rows.shape)}, not [n, {width}]", f"give rows {needed}")
    return rows


def _refuse_relations(what: str, relation: Tensor, num_relations: int) -> None:
    wrong = outside(relation, num_relations)
    if wrong is not None:
        refuse(
            f"{what} names relation {some(wrong)}, and there are {num_relations:,}",
            range_hint(relation, num_relations, f"relations are 0 to {num_relations - 1:,}; or columns are exchanged"),
        )


def _refuse_outside(what: str, triples: Tensor, size: int, num_relations: int) -> None:
    """Ids of entities and relations are there; columns in another order are recognised where another order fits."""
    limits = (size, num_relations, size)
    for column, limit in enumerate(limits):
        wrong = outside(triples[:, column], limit)
        if wrong is None:
            continue
        values = triples[:, [0, 2]] if column != 1 else triples[:, 1]
        fitting = [order for order in permutations(range(3)) if _fits(triples[:, list(order)], limits)]
        hint = range_hint(values, limit, f"ids are 0 to {limit - 1:,}")
        if fitting and not hint.startswith("they look"):
            order = ", ".join(COLUMNS[fitting[0].index(k)] for k in range(3))
            hint = f"its columns look like {order}: take [:, {list(fitting[0])}]"
        kind = "relation" if column == 1 else "entity"
        refuse(f"{what} names {kind} {some(wrong)} in column {column}, and there are {limit:,}", hint)


def _fits(triples: Tensor, limits: Sequence[int]) -> bool:
    return all(outside(triples[:, column], limit) is None for column, limit in enumerate(limits))


def _refuse_unknown(what: str, triples: Tensor, graph: KnowledgeGraph, known: Tensor) -> None:
    missing = triples[~torch.isin(graph.code(triples), known)]
    if not len(missing):
        return
    hint = "known_triples holds all that is true in a graph: facts, validation and test together"
    for order in permutations(range(3)):
        turned = graph.known[:, list(order)]
        limits = (graph.size, graph.num_relations, graph.size)
        if _fits(turned, limits) and torch.isin(graph.code(triples), graph.code(turned)).all():
            hint = f"the columns of the two are in different orders: known_triples[:, {list(order)}] would fit"
    refuse(f"{len(missing):,} of {len(triples):,} {what} are not among known_triples: {some(missing)}", hint)


class QueriedParts:
    """The parts of a split that are asked in one graph.

    Raises InputError where they name what is not there, or anything that is not known to be true in the graph.
    """

    def __init__(self, graph: KnowledgeGraph, place: str, parts: dict[str, Tensor]) -> None:
        self.graph, self.parts = graph, parts
        train = parts.get("train")
        self.trains_facts = train is not None and graph.are_facts(train)
        for part, triples in parts.items():
            if not (part == "train" and self.trains_facts):
                _refuse_outside(f"the {part} part of {place}", triples, graph.size, graph.num_relations)
        self.are_known = self.trains_facts and torch.equal(torch.cat(list(parts.values())), graph.known)
        if not self.are_known:
            self._compare_with_known(place)

    def _compare_with_known(self, place: str) -> None:
        graph = self.graph
        _refuse_outside(f"known_triples of {graph.name} of {place}", graph.known, graph.size, graph.num_relations)
        known = graph.code(graph.known)
        facts = torch.stack([graph.head, graph.relation, graph.tail], dim=1)
        _refuse_unknown(f"facts of {graph.name} of {place}", facts, graph, known)
        for part, triples in self.parts.items():
            if not (part == "train" and self.trains_facts):
                _refuse_unknown(f"{part} triples of {place}", triples, graph, known)

    def findings(self) -> list[str]:
        """What is suspicious about the parts: repeats, leaks, and entities and relations that nothing is known of."""
        graph, where = self.graph, "" if self.graph.name == ALONE else f" of {self.graph.name}"
        findings: list[str] = []
        codes: dict[str, Tensor] = {}
        parts = dict(self.parts)
        if "test" in parts and "validation" in parts and torch.equal(parts["test"], parts["validation"]):
            del parts["validation"]
            findings += [SAME] if len(parts["test"]) else []
        for part, triples in parts.items():
            trained_facts = part == "train" and self.trains_facts
            codes[part] = graph.facts if trained_facts else graph.code(triples).sort().values
            repeats = int((codes[part][1:] == codes[part][:-1]).sum())
            if repeats:
                findings.append(f"{repeats:,} of {len(triples):,} {part} triples{where} repeat another")
            if part == "train":
                continue
            leaked = _among(codes[part], graph.facts)
            if leaked.any():
                findings.append(f"{_some_of(leaked, f'{part} triples')}{where} are facts, which models see")
            findings += self._strangers(part, triples, where)
        for part, other in (("validation", "train"), ("test", "train"), ("test", "validation")):
            if part in codes and other in codes and not (other == "train" and self.trains_facts):
                shared = _among(codes[part], codes[other]) & ~_among(codes[part], graph.facts)
                if shared.any():
                    findings.append(f"{_some_of(shared, f'{part} triples')}{where} are {other} triples too")
        return findings + self._unused()

    def _strangers(self, part: str, triples: Tensor, where: str) -> list[str]:
        seen = self.graph.entities
        strangers = ~(seen[triples[:, 0]] & seen[triples[:, 2]])
        if not strangers.any():
            return []
        ends = triples[strangers][:, [0, 2]].flatten()
        count = _many(len(ends[~seen[ends]].unique()), "entity", "entities")
        return [f"{_some_of(strangers, f'{part} triples')}{where} name an entity that no fact has ({count})"]

    def _unused(self) -> list[str]:
        """Entities, and in a graph alone relations, that no triple has."""
        graph, findings = self.graph, []
        others = [rows for part, rows in self.parts.items() if part != "train"] if self.are_known else [graph.known]
        rows = torch.cat(others) if others else graph.known[:0]
        for plural, seen, ids in (
            ("entities", graph.entities, (rows[:, 0], rows[:, 2])),
            ("relations", graph.relations, (rows[:, 1],)),
        ):
            absent = (~(seen | _marked(len(seen), ids))).nonzero().flatten()
            if not len(absent) or (plural == "relations" and graph.name != ALONE):
                continue
            shifted = "; ids may be counted from 1" if absent.tolist() == [0] else ""
            findings.append(
                f"{len(absent):,} of {len(seen):,} {plural} are in no triple of {graph.name}: {some(absent)}{shifted}"
            )
        return findings


def _of_relations(queried: Sequence[QueriedParts]) -> list[str]:
    """Relations that are seen in test only, that give test triples away, or that look like entities."""
    training, last = queried[0], queried[-1]
    parts = {part: rows for each in queried for part, rows in each.parts.items()}
    train, findings = parts["train"], []
    if not len(train):
        return []
    trained = training.graph.relations
    if not training.trains_facts:
        trained = trained | _marked(len(trained), [train[:, 1]])
    for part in ("validation", "test"):
        new = ~trained[parts[part][:, 1]]
        if new.any():
            count = _many(len(parts[part][new][:, 1].unique()), "relation")
            findings.append(f"{_some_of(new, f'{part} triples')} name a relation that training has not ({count})")
    findings += _inverse_leaks(training.graph, last.graph, parts["test"], CONFIDENCE - _held_out(training))
    return findings + _exchanged(training.graph)


def _held_out(training: QueriedParts) -> float:
    """The share of the training graph's known triples that are none of its facts, as the probe inverse-relations has
    it: so many counterparts of facts may be missing."""
    graph = training.graph
    if training.are_known:
        return 1 - len(graph.facts) / len(graph.known)
    return 1 - len(graph.facts.unique()) / len(graph.code(graph.known).unique())


def _inverse_leaks(training: KnowledgeGraph, queried: KnowledgeGraph, test: Tensor, threshold: float) -> list[str]:
    """Test triples (h, r, t) of which (t, r', h) is a fact, r' being an inverse of r among the facts of training."""
    row, other = queried.turned(test)
    if not len(row):
        return []
    number = training.num_relations
    pairs = (test[row, 1] * number + other).unique()
    facts = torch.stack([training.head, training.relation, training.tail], dim=1)
    facts = facts[_marked(number, [pairs // number])[facts[:, 1]]]
    with_inverse, inverse = training.turned(facts)
    seen = (with_inverse * number + inverse).unique()  # a fact that occurs twice gives its inverse once
    code = facts[seen // number, 1] * number + seen % number
    joined = torch.bincount(torch.searchsorted(pairs, code)[torch.isin(code, pairs)], minlength=len(pairs))
    proper = training.head != training.tail
    total = torch.bincount(training.relation[proper], minlength=number).clamp(min=1)
    share = joined / torch.minimum(total[pairs // number], total[pairs % number])
    inverses = pairs[share >= threshold]
    answered = row[torch.isin(test[row, 1] * number + other, inverses)].unique()
    if not len(answered):
        return []
    return [
        f"{len(answered):,} of {len(test):,} test triples are given away by a fact turned round, as "
        f"{_many(len(inverses), 'pair')} of relations {'is' if len(inverses) == 1 else 'are'} inverse in training"
    ]


def _exchanged(training: KnowledgeGraph) -> list[str]:
    """Columns that look exchanged: far fewer different ids in one end than in the column of relations."""
    relation = int(training.relations.sum())
    if relation**2 <= int(training.entities.sum()):  # whichever end is counted, the other has as many at least
        return []
    head, tail = (int(_marked(training.size, [column]).sum()) for column in (training.head, training.tail))
    low, high = min(head, tail), max(head, tail)
    if relation <= low or high <= 2 * low:
        return []
    order = "head, tail, relation" if tail < head else "relation, head, tail"
    return [
        f"training has {head:,} different heads, {relation:,} relations and {tail:,} tails: its columns may be {order}"
    ]


def _marked(size: int, columns: Iterable[Tensor]) -> Tensor:
    """Which of `size` ids occur in a column."""
    marks = torch.zeros(size, dtype=torch.bool)
    for column in columns:
        marks[column] = True
    return marks


def _among(codes: Tensor, ordered: Tensor) -> Tensor:
    """Which of the codes are in a sorted list."""
    if not len(ordered):
        return torch.zeros_like(codes, dtype=torch.bool)
    place = torch.searchsorted(ordered, codes).clamp(max=len(ordered) - 1)
    return ordered[place] == codes


def _some_of(mask: Tensor, what: str) -> str:
    return f"{int(mask.sum()):,} of {len(mask):,} {what}"


def _many(count: int, singular: str, plural: str = "") -> str:
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"
