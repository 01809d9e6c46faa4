"""Text for LaTeX, and publications for BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from string import ascii_lowercase

from graphlab.core.citation import Citation

SPECIAL = {"\\": r"\textbackslash{}", "±": r"$\pm$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}

VENUES = {
    "AAAI": "Proceedings of the AAAI Conference on Artificial Intelligence",
    "CIKM": "International Conference on Information and Knowledge Management",
    "ECCV": "European Conference on Computer Vision",
    "EMNLP": "Conference on Empirical Methods in Natural Language Processing",
    "GRL+ at ICML": "ICML Workshop on Graph Representation Learning and Beyond",
    "ICLR": "International Conference on Learning Representations",
    "ICML": "International Conference on Machine Learning",
    "IJCAI": "International Joint Conference on Artificial Intelligence",
    "JMLR": "Journal of Machine Learning Research",
    "KDD": "ACM SIGKDD Conference on Knowledge Discovery and Data Mining",
    "NIPS": "Advances in Neural Information Processing Systems",
    "NeurIPS": "Advances in Neural Information Processing Systems",
    "NeurIPS datasets and benchmarks": "Advances in Neural Information Processing Systems, Datasets and Benchmarks",
    "UAI": "Conference on Uncertainty in Artificial Intelligence",
}
"""What abbreviations stand for."""

PLACES = {"inproceedings": "booktitle", "article": "journal", "book": "publisher", "misc": "howpublished"}
"""The field of each entry type that says where the publication appeared."""


def latex_text(text: str) -> str:
    """Text that LaTeX prints as it is, on one line: a line break could end a caption or a row."""
    line = " ".join(text.split())
    return re.sub(r"[\\±~^&%$#_{}]", lambda special: SPECIAL.get(special[0], f"\\{special[0]}"), line)


def bibliography(citations: Iterable[Citation]) -> str:
    """BibTeX entries of publications, each once, by key; of several with one key, as users may give, the later ones
    have a letter behind it. What is no publication has none."""
    cited = sorted(
        {each for each in citations if each.is_publication}, key=lambda each: (each.key, each.title, each.url)
    )
    entries = []
    for key, group in groupby(cited, key=lambda each: each.key):
        first, *others = group
        entries += [first, *(replace(each, key=key + ascii_lowercase[k]) for k, each in enumerate(others, start=1))]
    return "\n".join(map(_entry, entries))


def _entry(citation: Citation) -> str:
    kind = citation.kind if citation.venue else "misc"
    venue, volume = citation.venue, ""
    if kind == "article" and (numbered := re.fullmatch(r"(.*\D) (\d+)", venue)):
        venue, volume = numbered[1], numbered[2]
    fields = {
        "title": f"{{{latex_text(citation.title)}}}",
        "author": latex_text(citation.authors),
        PLACES[kind]: latex_text(VENUES.get(venue, venue)),
        "volume": volume,
        "year": str(citation.year),
        "url": citation.url,
    }
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@{kind}{{{citation.key},\n{lines}\n}}\n"
