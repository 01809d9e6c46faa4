"""The transform node-bits: it learns bits, keeps to its target, goes on from a checkpoint, and refuses other data."""

from __future__ import annotations

import io
import json

import pytest
import torch

import graphlab as gl
from graphlab.core.errors import ConfigError, IncompatibleError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import make_plan
from graphlab.model.sparse_features import FeatureInput, SparseRows
from graphlab.model.transforms.node_bits import Config, NodeRows, average_bits
from graphlab.testing.examples import example
from graphlab.testing.transforms import check_checkpoint, check_identity, check_start, check_step, transformed
from graphlab.training.loop import fit

NODES = "node-classification"
SHORT = {"transform": "node-bits", "transform.target": 2.0, "training.lr": 0.01, "training.epochs": 6}


@pytest.mark.parametrize("model", ["gat", "gcn", "gin", "graph-transformer", "mlp", "sage"])
@pytest.mark.parametrize("check", [check_identity, check_start, check_step, check_checkpoint], ids=lambda c: c.__name__)
def test_contract(check, model):
    check("node-bits", {}, model, NODES)
    check("node-bits", {"components": "input,linear,aggregate", "gradient": "loss"}, model, NODES)


def rounded(rows, value, upstream):
    """Outputs, and gradients of steps, bits and values."""
    dense = value if isinstance(value, torch.Tensor) else value.values
    out = rows(value)
    out = out if isinstance(out, torch.Tensor) else out.to_dense()
    (out * upstream).sum().backward()
    return out, rows.step.grad, rows.bits.grad, dense.grad


@pytest.mark.parametrize("gradient", ["error", "loss"])
def test_of_sparse_rows_the_numbers_that_are_not_zero_are_rounded_as_of_dense_ones(gradient):
    random = torch.Generator().manual_seed(0)
    x = torch.randn(6, 50, generator=random) * (torch.rand(6, 50, generator=random) < 0.1)
    upstream = torch.randn(6, 50, generator=random)
    sparse = FeatureInput(0.0)(x)
    assert isinstance(sparse, SparseRows)
    config = Config(initial_bits=3.0, gradient=gradient)
    ways = []
    for value in (x.clone().requires_grad_(), SparseRows(sparse.pattern, sparse.values.clone().requires_grad_())):
        rows = NodeRows("point", 6, config).train()
        with torch.no_grad():
            rows.bits.copy_(torch.tensor([1.0, 2, 3, 4, 5, 8]).unsqueeze(1))
        ways.append((*rounded(rows, value, upstream), rows.width))
    (*dense, of_values, width), (*nonzero, of_nonzero, other_width) = ways
    for one, other in zip(dense, nonzero, strict=True):
        torch.testing.assert_close(one, other)
    assert width == other_width == 50 and nonzero[2].abs().sum() > 0
    torch.testing.assert_close(of_values[sparse.pattern.row, sparse.pattern.column], of_nonzero)


def test_the_part_of_the_loss_is_that_of_the_size_in_kib():
    """Two layers of 24 and 16 columns, or as many as there are: bits of all rows, less 3 bits a number."""
    _, task, learner = transformed("node-bits", {"target": 3.0, "penalty": 0.5, "initial_bits": 5.0}, "gcn", NODES)
    task.loss(learner.train(), task.batches(SeedStream(0))[0])
    rows = [module for module in learner.modules() if isinstance(module, NodeRows)]
    numbers = sum(len(each.bits) * layer.lin.in_channels for each, layer in zip(rows, learner.model.convs, strict=True))
    (term,) = [module.regularisation() for module in learner.modules() if hasattr(module, "regularisation")]
    assert term.item() == pytest.approx(0.5 * (2 * numbers / 8192) ** 2)
    term.backward()
    assert all((each.bits.grad > 0).all() for each in rows)


def test_steps_and_bits_have_a_learning_rate_of_their_own_and_do_not_decay():
    from graphlab.training.optim import Engine

    plan, task, learner = transformed("node-bits", {"lr_factor": 3.0}, "gcn", NODES)
    engine = Engine(learner, plan.training, task.direction, task.device)
    own = {id(each) for module in learner.modules() if isinstance(module, NodeRows) for each in module.parameters()}
    for group in engine.optimizer.param_groups:
        (is_own,) = {id(each) in own for each in group["params"]}
        assert group["lr"] == pytest.approx(plan.training.lr * (3 if is_own else 1))
        assert not is_own or group["weight_decay"] == 0
    assert own == own & {id(each) for group in engine.optimizer.param_groups for each in group["params"]}


class Kept:
    """Checkpoints in memory; the process is as if cut off after so many epochs."""

    def __init__(self):
        self.saved = {}

    def save_checkpoint(self, name, state):
        file = io.BytesIO()
        torch.save(state, file)
        self.saved[name] = file.getvalue()

    def restore_checkpoint(self, name, device, restore):
        return name in self.saved and (restore(torch.load(io.BytesIO(self.saved[name]), weights_only=True)), True)[1]


def learned(checkpoints, cut_off=None):
    plan = make_plan("gcn", example(NODES), SHORT)
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0)

    def stop(epoch, epochs, row):
        if epoch == cut_off:
            raise KeyboardInterrupt

    if cut_off is None:
        fit(learner, task, plan.training, SeedStream(0), checkpoints)
    else:
        with pytest.raises(KeyboardInterrupt):
            fit(learner, task, plan.training, SeedStream(0), checkpoints, stop)
    return [(module.bits, module.step) for module in learner.modules() if isinstance(module, NodeRows)]


def test_a_run_that_goes_on_learns_the_same_bits(monkeypatch):
    monkeypatch.setattr("graphlab.training.loop.CHECKPOINT_SECONDS", -1.0)
    whole, checkpoints = learned(Kept()), Kept()
    learned(checkpoints, cut_off=3)
    for before, after in zip(whole, learned(checkpoints), strict=True):
        assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
        assert not torch.equal(before[0], torch.full_like(before[0], 4.0))


def test_what_has_no_fixed_nodes_is_refused():
    for model, name in (("gin", "graph-classification"), ("gae", "links"), ("nbfnet", "kg-inductive")):
        with pytest.raises(IncompatibleError, match="each node of one graph"):
            transformed("node-bits", {}, model, name)
    sampled = {"transform": "node-bits", "task.batch_size": 4, "task.fan_outs": (3, 3)}
    with pytest.raises(IncompatibleError, match="samples"):
        make_plan("gcn", example(NODES), sampled)
    with pytest.raises(IncompatibleError, match="no place of the components aggregate"):
        transformed("node-bits", {"components": "aggregate"}, "mlp", NODES)
    with pytest.raises(ConfigError, match="attention"):
        make_plan("gcn", "karate", {"transform": "node-bits", "transform.components": "input,attention"})


def test_another_graph_is_refused():
    _, task, learner = transformed("node-bits", {}, "gcn", NODES)
    graph = task.batches(SeedStream(0))[0]
    with pytest.raises(IncompatibleError, match=r"model\.convs\.0\.lin\.input has values of shape \[5"):
        learner.model(graph.subgraph(torch.arange(5)))


def test_bits_of_a_run_are_the_mean_of_what_it_has_learned(tmp_path, cli):
    """The features have 34 columns and hidden rows 16: the mean over numbers weighs the layers so."""
    settings = {"transform": "node-bits", "transform.target": 1.5, "epochs": 40}
    runs = gl.run("gcn", "karate", store=tmp_path, progress=False, **settings)
    frame, learner = gl.quantized_bits(runs, store=tmp_path), gl.restore(runs, tmp_path).learner
    rows = [module for module in learner.modules() if isinstance(module, NodeRows)]
    bits = [module.bits.detach().round().clamp(1, 8).mean().item() for module in rows]
    mean = (34 * bits[0] + 16 * bits[1]) / 50
    assert frame.loc["input", "average_by_numbers"] == pytest.approx(mean) and 1 <= mean < 4
    assert frame.loc["input", "average"] == pytest.approx(sum(bits) / 2)
    assert frame.loc["input", "buffer_bits"] == round(34 * 50 * mean + 2 * 34 * 32)
    assert frame.loc["weight", "average"] == 4 and frame.loc["linear", "average"] == 32
    assert list(average_bits(learner)) == ["model.convs.0.lin.input", "model.convs.1.lin.input"]
    done = cli("bits", runs[0].id[:10], "--store", str(tmp_path), "--json")
    assert done.code == 0 and json.loads(done.out)[0]["average_by_numbers"] == pytest.approx(mean)


def test_bits_of_other_runs_and_before_training(tmp_path, cli):
    quiet = {"store": tmp_path, "progress": False, "epochs": 2}
    of_scheme = gl.run("gcn", "karate", transform="quantize", **{"transform.scheme": "w4a8"}, **quiet)
    assert gl.quantized_bits(of_scheme).equals(gl.quantized_bits("gcn", "karate", "w4a8"))
    mixed = gl.run("gcn", "karate", transform="mixed-bits", **quiet)
    assert gl.quantized_bits(mixed).equals(gl.quantized_bits("gcn", "karate", gl.chosen_scheme(mixed)))
    assert gl.quantized_bits(gl.run("gcn", "karate", **quiet)).loc["total", "average"] == 32
    with pytest.raises(InputError, match="before training"):
        gl.quantized_bits("gcn", "karate", "w4a8", transform="node-bits")
    with pytest.raises(InputError, match="trained with"):
        gl.quantized_bits(of_scheme, scheme="w4a8")
    with pytest.raises(InputError, match="need a scheme"):
        gl.quantized_bits("gcn", "karate")
    assert cli("bits", "gcn", "karate").code == 2


@pytest.mark.real_data
def test_on_cora_bits_fall_to_the_target_and_differ_among_nodes(tmp_path):
    sizes = {}
    for target in (2.0, 4.0):
        settings = {"transform": "node-bits", "transform.target": target, "transform.initial_bits": 3.0, "epochs": 25}
        runs = gl.run("gcn", "planetoid/cora", store=tmp_path, progress=False, **settings)
        rows = [module for module in gl.restore(runs, tmp_path).learner.modules() if isinstance(module, NodeRows)]
        sizes[target] = rows[0].bits.mean().item()
        assert all(module.bits.std() > 0 for module in rows)
    assert sizes[2.0] < 2.6 and sizes[4.0] > 3.4
