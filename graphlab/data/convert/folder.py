"""A folder of triples in text files: one knowledge graph, or one of training and one of inference."""

from __future__ import annotations

from pathlib import Path

from graphlab.core.errors import DataError, InputError
from graphlab.data.convert.request import Request
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.spec import FACT, DataSpec
from graphlab.data.triples import Triple, named_world, read_parts, vocabulary

FILES = {
    "train": ("train.txt", "train_graph.txt", "transductive_train.txt"),
    "inference": ("inference.txt", "inference_graph.txt", "msg.txt"),
    "valid": ("valid.txt", "validation.txt", "inference_validation.txt"),
    "test": ("test.txt", "inference_test.txt"),
}
"""What each part may be called. Only data that test on another graph have an inference graph, the facts beside which
its triples are asked."""


def from_folder(request: Request, folder: Path) -> Dataset:
    """A data set for kg-completion of `train.txt`, `valid.txt`, `test.txt`, and where there is one `inference.txt`.

    A folder of one text file, `train.txt`, holds facts alone: nothing is held out, so that nothing can be trained and
    evaluated on it, and weights that were trained elsewhere answer on all of it.
    """
    request.refuse("a folder of triples", "nodes", "labels", "target", "features", "split")
    task = request.require_task("kg-completion")
    if request.directed is False:
        raise InputError(f"the triples of {folder} have a direction", hint="leave directed out")
    paths = {part: _find(folder, part) for part in FILES}
    if paths["train"] is not None and list(folder.glob("*.txt")) == [paths["train"]]:
        return _facts(request, task, paths["train"])
    absent = [part for part in ("train", "valid", "test") if paths[part] is None]
    if absent:
        raise DataError(f"{folder} has no {absent[0]}.txt", hint="it holds train.txt, valid.txt and test.txt")
    there = {part: path for part, path in paths.items() if path is not None}
    parts = dict(zip(there, read_parts(list(there.values())), strict=True))
    _, relations = vocabulary(*parts.values())
    if "inference" in parts:
        return _inductive(request, task, parts, relations)
    return _transductive(request, task, [parts["train"], parts["valid"], parts["test"]], relations)


def _facts(request: Request, task: str, path: Path) -> Dataset:
    (facts,) = read_parts([path])
    _, relations = vocabulary(facts)
    return _transductive(request, task, [facts, [], []], relations)


def _transductive(request: Request, task: str, parts: list[list[Triple]], relations: tuple[str, ...]) -> Dataset:
    if request.validation is not None:
        raise InputError(f"{request.name} has one graph, in which validation is asked", hint="leave validation out")
    graph, entities, encoded = named_world(parts, relations)
    spec = DataSpec("triples", (FACT,), num_relations=len(relations), num_entities=len(entities), directed=True)
    splits = Splits("given", fixed=(Split(*encoded),))
    return request.dataset(task, [graph], splits, spec, labels={"entities": entities, "relations": relations})


def _inductive(request: Request, task: str, parts: dict[str, list[Triple]], relations: tuple[str, ...]) -> Dataset:
    if request.validation not in ("train", "inference"):
        raise InputError(
            f"{request.name} has two graphs, and does not say in which validation is asked",
            hint='say validation="train" or validation="inference"',
        )
    seen, unseen = [parts["train"]], [parts["inference"], parts["test"]]
    (seen if request.validation == "train" else unseen).append(parts["valid"])
    training, entities, of_training = named_world(seen, relations)
    inference, others, of_inference = named_world(unseen, relations)
    labels = {"entities": entities, "test_entities": others, "relations": relations}
    in_training = request.validation == "train"
    if not in_training:
        labels["validation_entities"] = others
    validation = of_training[1] if in_training else of_inference[2]
    return request.dataset(
        task,
        [training, inference],
        Splits("given", fixed=(Split(of_training[0], validation, of_inference[1]),)),
        DataSpec("triples", (FACT,), num_relations=len(relations), directed=True),
        labels=labels,
        validation_graph=0 if in_training else 1,
    )


def _find(folder: Path, part: str) -> Path | None:
    there = [folder / name for name in FILES[part] if (folder / name).is_file()]
    if len(there) > 1:
        raise DataError(
            f"{folder} has {' and '.join(path.name for path in there)}, either of which is {part}",
            hint="leave one of them in the folder",
        )
    return there[0] if there else None
