"""String matching, naively and by Knuth, Morris and Pratt.

Cormen et al., Introduction to Algorithms, chapter 32. The nodes are the letters of the haystack and, behind them, of
the needle; `string` is 1 at the needle's.
"""

from __future__ import annotations

import numpy as np

from graphlab.algorithms.algorithm import Algorithm, Arrays, Steps, Values, chain, probes_of
from graphlab.algorithms.instances import Random, integers
from graphlab.algorithms.requirements import two_strings
from graphlab.core.errors import InputError


def string_inputs(first: np.ndarray, second: np.ndarray) -> Values:
    """Two strings of letters 0 to 3 as inputs."""
    return {"string": np.repeat([0, 1], [len(first), len(second)]), "key": np.concatenate([first, second])}


def split_strings(inputs: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """The letters of the two strings."""
    second = inputs["string"] == 1
    return inputs["key"][~second], inputs["key"][second]


def sample_matcher(size: int, rng: Random, needle: int | None = None) -> Values:
    """A random needle, put somewhere into a random haystack, but never at its very end.

    Args:
        size: Letters of both.
        rng: Where the randomness comes from.
        needle: Letters of the needle; by default a fifth of the size, and at least one.
    """
    length = max(size // 5, 1) if needle is None else needle
    if not 0 < length < size - length:
        raise InputError(f"a needle of {length} does not fit", hint="it must be shorter than the rest of the letters")
    letters, haystack = integers(rng, 0, 4, length), integers(rng, 0, 4, size - length)
    start = int(integers(rng, 0, size - 2 * length))
    haystack[start : start + length] = letters
    return string_inputs(haystack, letters)


def trace_naive_string_matcher(inputs: Arrays) -> Steps:
    """The first place of the needle in the haystack, `s`; the needle's first letter if there is none.

    A step is a comparison of the letters `i` and `j`.
    """
    haystack, needle = (letters.tolist() for letters in split_strings(inputs))
    width = len(haystack)
    order = chain(list(range(width + len(needle))), (width,))
    for start in range(width - len(needle) + 1):
        for offset, letter in enumerate(needle):
            yield {"pred_h": order, "s": start, "i": start + offset, "j": width + offset}
            if haystack[start + offset] != letter:
                break
        else:
            return {"match": start}
    return {"match": width}


def trace_kmp_matcher(inputs: Arrays) -> Steps:
    """As the naive matcher, by the prefix function `pi` of the needle.

    A matched prefix is shown as its last letter, or, if it is empty, as the first letter with a reset flag.
    """
    haystack, needle = (letters.tolist() for letters in split_strings(inputs))
    width, length = len(haystack), len(needle)
    order = chain(list(range(width + length)), (width,))
    pointers, resets = list(range(width + length)), [0] * (width + length)
    resets[width] = 1
    prefixes = [-1] * length
    prefix = -1

    def step(last: int, start: int, place: int, phase: int) -> Values:
        """`last` is the letter of the needle that ends what matches, -1 if nothing does."""
        return {
            "pred_h": order,
            "pi": pointers,
            "is_reset": resets,
            "k": width + max(prefix, 0),
            "k_reset": int(prefix < 0),
            "q": width + max(last, 0),
            "q_reset": int(phase == 0 or last < 0),
            "s": start,
            "i": place,
            "phase": phase,
        }

    yield step(min(1, length - 1), 0, 0, 0)
    for letter in range(1, length):
        while prefix >= 0 and needle[prefix + 1] != needle[letter]:
            prefix = prefixes[prefix]
            yield step(letter, 0, 0, 0)
        if needle[prefix + 1] == needle[letter]:
            prefix += 1
        prefixes[letter] = prefix
        pointers[width + letter], resets[width + letter] = width + max(prefix, 0), int(prefix < 0)
        yield step(letter, 0, 0, 0)
    matched = -1
    for place, letter in enumerate(haystack):
        start = max(place - length + 1, 0)
        yield step(matched, start, place, 1)
        while matched >= 0 and needle[matched + 1] != letter:
            matched = prefixes[matched]
            yield step(matched, start, place, 1)
        if needle[matched + 1] == letter:
            matched += 1
        if matched == length - 1:
            return {"match": start}
    return {"match": width}


TEXT = {"node mask": "string", "node value": "pos", "node class 4": "key"}

ALGORITHMS = (
    Algorithm(
        "naive_string_matcher",
        probes_of(
            input=TEXT, output={"node mask-one": "match"}, hint={"node pointer": "pred_h", "node mask-one": "s i j"}
        ),
        trace_naive_string_matcher,
        sample_matcher,
        64,
        (two_strings,),
    ),
    Algorithm(
        "kmp_matcher",
        probes_of(
            input=TEXT,
            output={"node mask-one": "match"},
            hint={
                "node pointer": "pred_h pi",
                "node mask": "is_reset",
                "node mask-one": "k q s i",
                "graph mask": "k_reset q_reset phase",
            },
        ),
        trace_kmp_matcher,
        sample_matcher,
        64,
        (two_strings,),
    ),
)
