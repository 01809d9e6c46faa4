"""Formats of published weights, a file each; see `graphlab.model.weight_format`.

ultra       checkpoints of ULTRA
nbfnet_pyg  NBFNet as its authors' PyG code saves it
pyg         PyG's basic models GCN, GraphSAGE, GAT and GIN
pykeen      embedding models of PyKEEN
floydnet    FloydNet as its authors' examples save it
own         state dicts under GraphLab's own names
supernet    those that a search has cut out of its supernet
"""
