"""Stopping at a step's end instead of in its middle, and at an epoch's end to go on another time."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class PausedError(Exception):
    """Training has stopped after an epoch, as it was asked to, and its checkpoint is kept: it can go on from there.

    Attributes:
        epoch: The last epoch that was trained.
        validation: Metrics of the selected epoch so far.
        num_parameters: Trainable ones of the learner.
    """

    def __init__(self, epoch: int, validation: dict[str, float], num_parameters: int) -> None:
        super().__init__(f"training was paused after epoch {epoch}")
        self.epoch, self.validation, self.num_parameters = epoch, validation, num_parameters


class StopRequest:
    """While entered, SIGINT and SIGTERM set `requested`; a SIGINT after either interrupts at once, as usual. A SIGTERM
    does not: Ctrl-C reaches every process of a terminal, and then the first of them ends the others.

    Outside the main thread signals cannot be caught and nothing changes.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
