"""Contact networks of animals, and files that are not what they should be."""

from __future__ import annotations

import pytest
import torch

from graphlab.core.errors import DataError
from graphlab.data.adapters.animal_contacts import COUNTS, read_contacts
from graphlab.data.links import unordered
from graphlab.data.load import load


@pytest.mark.real_data
@pytest.mark.parametrize("variant", COUNTS)
def test_graphs_and_splits(variant):
    dataset = load(variant)
    num_nodes, num_links = COUNTS[variant]
    links = unordered(dataset.graph.edge_index)
    assert (dataset.graph.num_nodes, len(links)) == (num_nodes, num_links)
    split = dataset.split(0)
    assert len(split.train) == 70 * num_links // 100
    joined = torch.cat([part[part[:, 2] == 1, :2] for _, part in split.parts()])
    assert torch.equal(joined.unique(dim=0), links)
    assert len(load(f"{variant}@random-85/5/10").split(0).train) == 85 * num_links // 100


@pytest.mark.real_data
def test_nodes_are_those_of_the_truth_pack(truth):
    """Whose original numbers ascend."""
    pack = truth("tc_tortoise_fi")
    edges = torch.cat([torch.from_numpy(pack[f"{part}_edge"]) for part in ("train", "val", "test")]).long()
    assert torch.equal(unordered(edges.T), unordered(load("reptilia-tortoise-fi").graph.edge_index))


def test_files(tmp_path):
    path = tmp_path / "contacts.txt"
    path.write_text("7 3 1\n3 7 2\n9 7 1\n3 3 1\n")
    links, num_nodes = read_contacts(path)
    assert links.tolist() == [[0, 1], [1, 2]] and num_nodes == 3
    for text in ("1 2\n", "1 2 x\n", "1 2 3\n4 5\n"):
        path.write_text(text)
        with pytest.raises(DataError, match="does not hold contacts"):
            read_contacts(path)
