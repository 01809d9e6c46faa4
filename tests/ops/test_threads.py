"""Work on threads: everything once, errors out, and again after a fork."""

from __future__ import annotations

import multiprocessing
import threading
import time

import pytest
import torch

from graphlab.ops.threads import for_each, shares


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_every_item_once(three_threads, count):
    seen: list[int] = []
    for_each(seen.append, range(count))
    assert sorted(seen) == list(range(count))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50])
def test_shares_are_one_a_thread_and_make_the_whole(three_threads, count):
    found = shares(count)
    assert [i for first, last in found for i in range(first, last)] == list(range(count))
    assert len(found) == min(3, count)


def test_several_threads_work(three_threads):
    names = set()

    def note(item: int) -> None:
        time.sleep(0.02)
        names.add(threading.current_thread().name)

    for_each(note, range(9))
    assert len(names) > 1


def test_an_error_is_raised_wherever_it_happens(three_threads):
    def fail(item: int) -> None:
        time.sleep(0.01)
        if item == 5:
            raise ValueError("five")

    with pytest.raises(ValueError, match="five"):
        for_each(fail, range(9))


def _in_child(queue) -> None:
    torch.set_num_threads(3)
    seen: list[int] = []
    for_each(seen.append, range(9))
    queue.put(sorted(seen))


def test_a_forked_process_has_threads_of_its_own(three_threads):
    for_each(lambda item: None, range(9))
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(queue,))
    child.start()
    assert queue.get(timeout=600) == list(range(9))
    child.join()
