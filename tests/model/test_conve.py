"""ConvE against a loop over image, filters and entities, and its published size."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.data import Data

from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.data.spec import FACT, DataSpec
from graphlab.model.registry import build_model, find_model

N, R = 7, 2
SPEC = DataSpec("triples", (FACT,), num_relations=R, num_entities=N, directed=True)
SMALL = {"dim": 12, "height": 4, "channels": 3}
NOTHING = Data(num_nodes=N)


def by_hand(model, head: int, relation: int) -> Tensor:
    """Scores of all entities, eq. 1 written out: two 4 x 3 pictures, windows of 3 x 3."""

    def normalised(values: Tensor, norm, channel: int) -> Tensor:
        scale = norm.weight[channel] / (norm.running_var[channel] + norm.eps).sqrt()
        return (values - norm.running_mean[channel]) * scale + norm.bias[channel]

    image_norm, _, filters, map_norm, _, _, _, linear, _ = model.convolution
    picture = torch.cat([model.entity.weight[head].view(4, 3), model.relation.weight[relation].view(4, 3)])
    picture = normalised(picture, image_norm, 0)
    maps = []
    for channel, weight in enumerate(filters.weight[:, 0]):
        windows = [(picture[i : i + 3, j : j + 3] * weight).sum() for i in range(6) for j in range(1)]
        maps.append(normalised(torch.stack(windows), map_norm, channel).relu())
    hidden = linear.weight @ torch.cat(maps)
    hidden = torch.stack([normalised(value, model.norm, i) for i, value in enumerate(hidden)]).relu()
    return model.entity.weight @ hidden + model.bias


def trained_statistics(model) -> None:
    """Statistics and biases as after training, so that leaving one out shows."""
    g = torch.Generator().manual_seed(3)
    for name, value in model.state_dict().items():
        if "running_" in name or name.endswith("bias"):
            value.copy_(torch.rand(value.shape, generator=g) + 0.5)


def test_scores_are_the_formula():
    torch.manual_seed(0)
    model = build_model("conve", SPEC, SMALL).eval()
    trained_statistics(model)
    head, relation = torch.tensor([0, 3, 6]), torch.tensor([0, 2, 3])
    scores = model.score(NOTHING, head, relation)
    for row, h, r in zip(scores, head.tolist(), relation.tolist(), strict=True):
        torch.testing.assert_close(row, by_hand(model, h, r))
    tails = torch.tensor([[1, 1], [0, 6], [5, 2]])
    torch.testing.assert_close(model.score(NOTHING, head, relation, tails), scores.gather(1, tails))


def test_size_is_that_of_the_published_model():
    """Dettmers et al.: 200 numbers a vector as 20 x 10, 32 filters; 9728 = 32 x 38 x 8 values are mapped to 200."""
    model = build_model("conve", DataSpec("triples", (FACT,), num_relations=237, num_entities=14541, directed=True), {})
    tables = 14541 * 200 + 2 * 237 * 200 + 14541
    norms = 2 * (1 + 32 + 200)
    assert sum(p.numel() for p in model.parameters()) == tables + 32 * 9 + 9728 * 200 + norms
    published = {key for key, preset in find_model("conve").presets.items() if preset.num_parameters}
    assert published >= {"kg/fb15k-237", "kg/wn18rr"}


def test_one_query_alone_trains():
    model = build_model("conve", SPEC, SMALL).train()
    F.softplus(model.score(NOTHING, torch.tensor([1]), torch.tensor([0]))).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("settings", [{"dim": 200, "height": 15}, {"dim": 40, "height": 20}])
def test_vectors_must_fill_an_image(settings):
    with pytest.raises(ConfigError, match="height"):
        build_model("conve", SPEC, settings)


def test_new_entities_cannot_be_embedded():
    inductive = DataSpec("triples", (FACT,), num_relations=R, directed=True)
    with pytest.raises(IncompatibleError, match="nbfnet"):
        build_model("conve", inductive, {})
