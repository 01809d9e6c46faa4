"""The training loop."""

from graphlab.training.config import TrainingConfig
from graphlab.training.loop import Fit, fit

__all__ = ["Fit", "TrainingConfig", "fit"]
