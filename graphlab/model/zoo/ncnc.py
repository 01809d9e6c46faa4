"""Neural common neighbour with completion. Wang, Yang and Zhang, ICLR 2024, section 5.

    score(u, v) = MLP([z_u * z_v, sum over w in N(u) and N(v) of z_w
                                  + sum over w in N(u) without N(v) of p(v, w) z_w
                                  + sum over w in N(v) without N(u) of p(u, w) z_w])
    p(v, w) = sigmoid(score of NCN for (v, w))

It is NCNC-1, completed once: NCN with the same encoder and the same MLP says how probable it is that a neighbour of one
end is linked with the other too. Gradients go through the probabilities. u and v themselves are not completed, so that
a link between them that is there says nothing. See `ncn` for the rest.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.model.base import Preset
from graphlab.model.pairs_in_blocks import MAX_NUMBERS
from graphlab.model.zoo import ncn
from graphlab.model.zoo.ncn import NCN, EncodedGraph


class Config(ncn.Config):
    __doc__ = ncn.Config.__doc__


class NCNC(NCN):
    """NCN over the common neighbours that there are, and those that NCN itself expects."""

    def score_pairs(self, encoding: EncodedGraph, pairs: Tensor) -> Tensor:
        """Scores `[P]` of pairs int64 `[P, 2]`."""
        neighbours, (first, second) = encoding.neighbours, pairs.unbind(1)
        place, node = neighbours.common(pairs)
        of_first, of_second = neighbours.exclusive(first, second), neighbours.exclusive(second, first)
        missing = torch.cat(
            [
                torch.stack([second[of_first[0]], of_first[1]], dim=1),
                torch.stack([first[of_second[0]], of_second[1]], dim=1),
            ]
        )
        at_once = max(1, MAX_NUMBERS // (2 * self.out_dim))
        logits = torch.cat([super(NCNC, self).score_pairs(encoding, few) for few in missing.split(at_once)])
        weight = torch.cat([encoding.rows.new_ones(len(node)), logits.sigmoid().to(encoding.rows.dtype)])
        places, nodes = torch.cat([place, of_first[0], of_second[0]]), torch.cat([node, of_first[1], of_second[1]])
        return self.readout(encoding, pairs, places, nodes, weight)


PRESETS = {
    "link-prediction": Preset(
        source=ncn.PRESETS["link-prediction"].source,
        is_published=False,
        model=ncn.PRESETS["link-prediction"].model,
        task={**ncn.PRESETS["link-prediction"].task, "evaluation_batch_size": 4096},
        training=ncn.PRESETS["link-prediction"].training,
        num_parameters=ncn.PRESETS["link-prediction"].num_parameters,
    ),
}
