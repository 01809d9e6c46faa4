"""A script as a user would write it: the model is defined where it is run."""

import sys

import torch
import torch.nn.functional as F
from torch_geometric.nn import GCNConv

import graphlab as gl


class ScriptNet(torch.nn.Module):
    def __init__(self, in_channels, out_channels, hidden=8, dropout=0.5):
        super().__init__()
        self.first, self.second = GCNConv(in_channels, hidden), GCNConv(hidden, out_channels)
        self.dropout = dropout

    def forward(self, x, edge_index):
        x = F.dropout(self.first(x, edge_index).relu(), self.dropout, self.training)
        return self.second(x, edge_index)


runs = gl.run(ScriptNet, "karate", seeds=3, workers=2, store=sys.argv[1], progress=False, **{"training.epochs": 5})
assert runs.summary().failed == 0, runs.df["error"].tolist()
sys.stdout.write(" ".join([runs.model, *(str(record.test_value) for record in runs)]))
