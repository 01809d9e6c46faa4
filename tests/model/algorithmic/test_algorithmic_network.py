"""Networks of algorithms: shapes for all thirty, symmetry, padding, hints, and that they learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from graphlab.algorithms.metrics import hint_scores, score, uncyclic
from graphlab.algorithms.registry import ALGORITHMS, CLRS_30, algorithm
from graphlab.core.errors import InputError, UnknownNameError
from graphlab.model.algorithmic.decoders import Order
from graphlab.model.algorithmic.instances import FIXED_HINT, collate, layout
from graphlab.model.algorithmic.losses import entries
from graphlab.model.algorithmic.network import Network
from graphlab.model.algorithmic.processors import MODULES, ProcessorConfig
from tests.model.algorithmic.cases import SMALL, batch_of


def network_of(name: str, processor: str = "mpnn", **settings) -> Network:
    torch.manual_seed(0)
    return Network(algorithm(name), processor, SMALL, **settings).double()


def instances_of(*batches):
    return collate(batches, torch.float64)


def parts(scores):
    return list(scores) if isinstance(scores, Order) else [scores]


@pytest.mark.parametrize("processor", MODULES)
def test_every_algorithm_is_learned_by_every_processor(processor):
    """One step forward and back, in two sizes, and predictions that the metrics take."""
    for name in CLRS_30:
        batches = [batch_of(name, size, steps=2) for size in (4, 5)]
        network = Network(ALGORITHMS[name], processor, SMALL)
        losses = network.losses(collate(batches))
        assert set(losses) >= {probe.name for probe in network.layout.outputs}
        assert ("penalty" in losses) == (processor == "mpnn-lcm")
        torch.stack(list(losses.values())).sum().backward()
        gradients = [weights.grad for weights in network.parameters() if weights.grad is not None]
        assert gradients and all(gradient.isfinite().all() for gradient in gradients), name
        network.eval()
        assert 0 <= score(ALGORITHMS[name], network.predict(collate(batches[:1])), batches[0].outputs) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("processor", MODULES)
def test_every_algorithm_runs_to_its_end(processor):
    for name in ALGORITHMS:
        batch = batch_of(name, 6)
        network = Network(ALGORITHMS[name], processor, SMALL)
        assert network.loss(collate([batch])).isfinite()
        network.eval()
        assert 0 <= score(ALGORITHMS[name], network.predict(collate([batch])), batch.outputs) <= 1


@pytest.mark.parametrize("name", CLRS_30)
def test_fixed_hints_never_change(name):
    """And where the order changes, it is a hint."""
    probes = layout(ALGORITHMS[name])
    if any(probe.name == FIXED_HINT for probe in ALGORITHMS[name].stage("hint")):
        batch = batch_of(name, 8, 5)
        hint = batch.hints[FIXED_HINT]
        within = np.arange(len(hint))[:, None, None] < batch.lengths[:, None]
        assert np.where(within, hint == hint[0], True).all() == bool(probes.fixed)
    assert {probe.name for probe in probes.inputs} >= probes.fixed


def permuted(instances, order):
    """The same instances with their nodes in another order."""
    place = order.argsort()

    def move(probe, values, lead):
        for axis in range({"node": 1, "edge": 2, "graph": 0}[probe.location]):
            values = values.index_select(1 + lead + axis, order)
        return place[values] if probe.type in ("pointer", "permutation") else values

    probes = layout(instances.algorithm)
    return replace(
        instances,
        inputs={probe.name: move(probe, instances.inputs[probe.name], 0) for probe in probes.inputs},
        hints={probe.name: move(probe, instances.hints[probe.name], 1) for probe in probes.hints},
        outputs={probe.name: move(probe, instances.outputs[probe.name], 0) for probe in probes.outputs},
    )


@pytest.mark.parametrize("name", CLRS_30)
def test_permuting_the_nodes_permutes_predictions(name):
    network, order = network_of(name, "triplet-gmpnn").eval(), torch.tensor([3, 1, 4, 0, 2])
    size = 5 - (name == "optimal_bst")
    instances = instances_of(batch_of(name, size, steps=3))
    order = order if instances.num_nodes == 5 else torch.tensor([2, 0, 3, 1])
    before, after = network(instances).outputs, network(permuted(instances, order)).outputs
    for probe in network.layout.outputs:
        for first, second in zip(parts(before[probe.name]), parts(after[probe.name]), strict=True):
            axes = {"node": 1, "edge": 2, "graph": 0}[probe.location]
            is_matrix = probe.type == "pointer" or (probe.type == "permutation" and first.dim() == 3)
            for axis in range(axes + is_matrix):
                first = first.index_select(1 + axis, order)
            torch.testing.assert_close(second, first, msg=probe.name)


@pytest.mark.parametrize("name", ["bfs", "floyd_warshall", "bubble_sort", "quickselect", "kmp_matcher", "bridges"])
@pytest.mark.parametrize("processor", ["triplet-gmpnn", "floydnet"])
def test_neither_padding_nor_the_batch_changes_a_prediction(name, processor):
    """Instances of other sizes and lengths, side by side and each alone."""
    network = network_of(name, processor).eval()
    batches = [batch_of(name, size, 1, seed) for size, seed in ((4, 0), (7, 1), (7, 2))]
    together = network(instances_of(*batches)).outputs
    for row, batch in enumerate(batches):
        alone = network(instances_of(batch)).outputs
        for key, scores in alone.items():
            for whole, part in zip(parts(together[key]), parts(scores), strict=True):
                window = (slice(row, row + 1), *(slice(0, extent) for extent in part.shape[1:]))
                torch.testing.assert_close(whole[window], part)


def test_losses_are_means_over_what_each_instance_has():
    network = network_of("bfs", teacher_forcing=1.0)
    instances = instances_of(batch_of("bfs", 4, 2), batch_of("bfs", 7, 2, seed=3))
    assert len(set(instances.lengths.tolist())) > 1
    prediction = network(instances)
    losses = network.losses(instances, prediction)
    for probe in network.layout.hints:
        total, count = 0.0, 0
        for row, length in enumerate(instances.lengths.tolist()):
            for step in range(length - 1):
                truth = instances.hints[probe.name][step + 1]
                loss, kept = entries(probe, prediction.hints[step][probe.name], truth, instances.there)
                total, count = total + loss[row][kept[row]].sum(), count + int(kept[row].sum())
        torch.testing.assert_close(losses[probe.name], total / count)
    torch.testing.assert_close(
        network.loss(instances), losses["pi"] + losses["pi_h"] + losses["reach_h"], rtol=1e-9, atol=0
    )


def with_other_hints(instances, first=False):
    hints = {key: hint.clone() for key, hint in instances.hints.items()}
    hints["reach_h"][0 if first else 1 :] = 1 - hints["reach_h"][0 if first else 1 :]
    return replace(instances, hints=hints)


def test_what_teacher_forcing_shows():
    """All true hints, or none but the first; in evaluation none but the first."""
    instances = instances_of(batch_of("bfs", 8, 3, seed=1))
    assert instances.num_steps > 1
    changed, started = with_other_hints(instances), with_other_hints(instances, first=True)
    forced, free = network_of("bfs", teacher_forcing=1.0), network_of("bfs", teacher_forcing=0.0)
    assert not torch.equal(forced(instances).outputs["pi"], forced(changed).outputs["pi"])
    for network in (free, forced.eval()):
        assert torch.equal(network(instances).outputs["pi"], network(changed).outputs["pi"])
        assert not torch.equal(network(instances).outputs["pi"], network(started).outputs["pi"])


def test_teacher_forcing_is_drawn_for_each_instance():
    instances = instances_of(batch_of("bfs", 8, 40, seed=1))
    mixed, forced, free = (network_of("bfs", teacher_forcing=rate) for rate in (0.5, 1.0, 0.0))
    second = [network(instances).hints[1]["reach_h"] for network in (mixed, forced, free)]
    like_forced, like_free = ((second[0] - other).abs().amax(1) < 1e-12 for other in second[1:])
    assert (like_forced ^ like_free).all()
    assert 8 < like_forced.sum() < 32


def test_without_hints():
    network = network_of("bfs", hints=False)
    instances = instances_of(batch_of("bfs", 6))
    assert set(network.losses(instances)) == {"pi"}
    assert network(instances).hints == []
    assert torch.equal(network(instances).outputs["pi"], network(with_other_hints(instances, first=True)).outputs["pi"])
    assert not any("hint" in key for key in network.state_dict())


def test_the_first_hint_is_enough_to_predict():
    network, batch = network_of("bellman_ford").eval(), batch_of("bellman_ford", 8)
    cut = replace(batch, hints={key: hint[:1] for key, hint in batch.hints.items()})
    whole, first = (network.predict(instances_of(each))["pi"] for each in (batch, cut))
    assert (whole == first).all()


@pytest.mark.parametrize("name", ["bfs", "dfs", "insertion_sort", "floyd_warshall"])
def test_hints_are_predicted_from_predicted_hints(name):
    """A network that learned nothing, whose first hints are right: what follows is scored step by step."""
    network, batch = network_of(name).eval(), batch_of(name, 5, 3, seed=2)
    predicted = network.predict_hints(instances_of(batch))
    along = hint_scores(batch.algorithm, predicted, batch.hints, batch.lengths)
    scored = {probe.name for probe in network.hint_probes}
    assert along.keys() == scored and all(len(values) == int(batch.lengths.max()) - 1 for values in along.values())
    raw = network(instances_of(batch)).hints
    pointers = next(probe.name for probe in network.hint_probes if probe.type == "pointer")
    for step, (prediction, truth) in enumerate(zip(raw, batch.hints[pointers][1:], strict=True)):
        alive = batch.lengths > step + 1
        right = (prediction[pointers].argmax(-1).numpy() == truth)[alive].mean()
        assert along[pointers][step] == pytest.approx(right)


def test_orders_are_predicted_as_pointers():
    network, batch = network_of("insertion_sort").eval(), batch_of("insertion_sort", 6)
    instances = instances_of(batch)
    predicted, scores = network.predict(instances)["pred"], network(instances).outputs["pred"]
    expected = uncyclic(scores.log_matrix.argmax(-1).numpy(force=True), scores.first.numpy(force=True))
    assert (predicted == expected).all()


@pytest.mark.parametrize(("processor", "steps"), [("floydnet", 40), ("mpnn", 80)])
def test_a_small_batch_is_learned_by_heart(processor, steps):
    torch.manual_seed(0)
    network, batch = Network(algorithm("bfs"), processor, ProcessorConfig(hidden_dim=16)), batch_of("bfs", 6, 4)
    instances, optimizer = collate([batch]), torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        network.loss(instances).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    network.eval()
    assert score(batch.algorithm, network.predict(instances), batch.outputs) == 1


def test_collating_pads_with_zeros():
    instances = collate([batch_of("bfs", 4, 1), batch_of("bfs", 6, 2)])
    assert instances.sizes.tolist() == [4, 6, 6]
    assert instances.there.sum(1).tolist() == [4, 6, 6]
    assert instances.inputs["A"].shape == (3, 6, 6) and instances.inputs["A"].dtype == torch.float32
    assert not instances.inputs["adj"][0, 4:].any()
    assert instances.hints["pi_h"].shape == (int(instances.lengths.max()), 3, 6)


def test_bad_input_is_refused():
    network, batch = network_of("bfs"), batch_of("bfs", 4)
    with pytest.raises(InputError, match="no batches"):
        collate([])
    with pytest.raises(InputError, match="bfs and dfs"):
        collate([batch, batch_of("dfs", 4)])
    with pytest.raises(InputError, match="without hints"):
        collate([replace(batch, hints={})])
    cut = replace(batch, hints={key: hint[:1] for key, hint in batch.hints.items()})
    for mode in (network.train(), network_of("bfs").eval()):
        with pytest.raises(InputError, match="hints of 1 steps"):
            mode.loss(instances_of(cut))
    with pytest.raises(InputError, match="instances of dfs for a network of bfs"):
        network(instances_of(batch_of("dfs", 4)))
    with pytest.raises(InputError, match="training mode"):
        network.predict(instances_of(batch))
    with pytest.raises(InputError, match="without hints predicts none"):
        network_of("bfs", hints=False).eval().predict_hints(instances_of(batch))
    with pytest.raises(InputError, match="different sizes"):
        network_of("bfs").eval().predict_hints(instances_of(batch, batch_of("bfs", 5)))
    with pytest.raises(InputError, match="different sizes"):
        network.eval().predict(instances_of(batch, batch_of("bfs", 5)))
    with pytest.raises(InputError, match=r"teacher forcing cannot be 1\.5"):
        network_of("bfs", teacher_forcing=1.5)
    with pytest.raises(UnknownNameError):
        network_of("bfs", "mpn")
