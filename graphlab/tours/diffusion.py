"""Gaussian diffusion on the adjacency of a tour, as arithmetic: schedule, noise, sampler. The network is the caller's.

The signal x_0 is the tour's adjacency, 0 and 1, `[batch, n, n]`. At time t of [0, 1] it is

    x_t = sqrt(a(t)) x_0 + sqrt(1 - a(t)) e,    e standard normal,

where a falls from 1 to 0. A network predicts x_0 from x_t and t, trained on the squared error at times drawn by
`draw_times`. `sample` walks from t = 1 to 0; `adjacency` and `decoding.greedy_decode` read its result.

References:
    Ho, Jain and Abbeel, "Denoising diffusion probabilistic models", NeurIPS 2020.
    Song, Meng and Ermon, "Denoising diffusion implicit models", ICLR 2021.
    Chen, "On the importance of noise scheduling for diffusion models", 2023 (the sigmoid schedule).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from graphlab.core.errors import InputError

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""From x_t `[batch, n, n]` and t `[batch]` to the predicted x_0 `[batch, n, n]`."""

NUM_STEPS = 10_000
STRIDE = 200
START, END = -4.0, 4.0
THRESHOLD = 0.5


def signal_share(t: Tensor, start: float = START, end: float = END) -> Tensor:
    """a(t), the share of the signal in the variance: a sigmoid from start to end, rescaled to fall from 1 to 0.

    a(t) = (sigmoid(end) - sigmoid(start + t (end - start))) / (sigmoid(end) - sigmoid(start)).
    """
    low, high = (torch.sigmoid(torch.as_tensor(value, dtype=torch.float64)) for value in (start, end))
    at = torch.sigmoid(start + t.double() * (end - start))
    return ((high - at) / (high - low)).clamp(0, 1).to(t.dtype)


def add_noise(x0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
    """x_t of mean sqrt(a(t)) x_0 and variance 1 - a(t).

    Shapes:
        x0, noise `[batch, ...]`, t `[batch]` -> `[batch, ...]`.
    """
    share = _over_batch(signal_share(t), x0)
    return share.sqrt() * x0 + (1 - share).sqrt() * noise


def time_density(t: Tensor) -> Tensor:
    """The density of training times on [0, 1], in proportion to 1 + 8 t^8."""
    return (9 + 72 * t**8) / 17


def draw_times(count: int, generator: torch.Generator | None = None) -> Tensor:
    """Times of density `time_density`, float32 `[count]`: with probability 9/17 uniform, otherwise of density 9 t^8."""
    device = None if generator is None else generator.device
    uniform = torch.rand(count, generator=generator, device=device)
    late = torch.rand(count, generator=generator, device=device) < 8 / 17
    return torch.where(late, uniform ** (1 / 9), uniform)


def sampling_times(stride: int = STRIDE, num_steps: int = NUM_STEPS) -> list[float]:
    """1 = t_0 > t_1 > ... > 0: every stride-th of the steps, and 0.

    Raises:
        InputError: for a stride that is not from 1 to the number of steps.
    """
    if not 1 <= stride <= num_steps:
        raise InputError(f"no sampler has a stride of {stride}", hint=f"a whole number from 1 to {num_steps}")
    return [step / num_steps for step in range(num_steps, 0, -stride)] + [0.0]


def step_coefficients(share: Tensor, next_share: Tensor, eta: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """Factors of the predicted x_0, of x_t and of fresh noise in a step to an earlier time s < t.

    With e the noise that x_t holds if the prediction is right,
    x_s = sqrt(a_s) x_0 + sqrt(1 - a_s - v) e + sqrt(v) z,    v = eta^2 (1 - a_s) / (1 - a_t) (1 - a_t / a_s).
    eta = 1 is the posterior of the forward process (DDPM), eta = 0 has no fresh noise (DDIM).

    Args:
        share: a(t), below 1.
        next_share: a(s), above a(t).
    """
    variance = eta**2 * (1 - next_share) / (1 - share) * (1 - share / next_share)
    of_noisy = ((1 - next_share - variance).clamp(min=0) / (1 - share)).sqrt()
    return next_share.sqrt() - of_noisy * share.sqrt(), of_noisy, variance.sqrt()


def sample(
    predict: Denoiser,
    shape: Sequence[int],
    generator: torch.Generator | None = None,
    *,
    stride: int = STRIDE,
    num_steps: int = NUM_STEPS,
    eta: float = 1.0,
) -> Tensor:
    """A sample of the model: the last prediction of x_0, symmetrised, which are scores of edges.

    Args:
        shape: `[batch, n, n]`; several samples of one instance are several rows of the batch.
        generator: draws all noise, on its own device.
        stride: steps from one evaluation of the network to the next: 10,000 steps and a stride of 200 are 50.
        eta: share of fresh noise, from 0 to 1.

    Raises:
        InputError: for a stride out of range or an eta that is not from 0 to 1.
    """
    if not 0 <= eta <= 1:
        raise InputError(f"eta cannot be {eta!r}", hint="0 (DDIM) to 1 (DDPM)")
    times = sampling_times(stride, num_steps)
    device = None if generator is None else generator.device
    shares = signal_share(torch.tensor(times, dtype=torch.float64))
    x = torch.randn(*shape, generator=generator, device=device)
    x0 = x
    for k, t in enumerate(times[:-1]):
        x0 = predict(x, torch.full((shape[0],), t, device=device))
        of_x0, of_noisy, of_noise = (float(c) for c in step_coefficients(shares[k], shares[k + 1], eta))
        x = of_x0 * x0 + of_noisy * x
        if of_noise:
            x = x + of_noise * torch.randn(*shape, generator=generator, device=device)
    return symmetrise(x0)


def symmetrise(x: Tensor) -> Tensor:
    """The mean of x and of x with its last two dimensions exchanged."""
    return (x + x.transpose(-1, -2)) / 2


def adjacency(scores: Tensor, threshold: float = THRESHOLD) -> Tensor:
    """Edges whose score is above the threshold, bool, without loops. They need not be a tour: `tour.adjacency_tour`."""
    loops = torch.eye(scores.shape[-1], dtype=torch.bool, device=scores.device)
    return (symmetrise(scores) > threshold) & ~loops


def _over_batch(values: Tensor, like: Tensor) -> Tensor:
    return values.to(like.dtype).reshape(-1, *[1] * (like.dim() - 1))
