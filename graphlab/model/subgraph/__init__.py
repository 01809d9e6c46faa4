"""The algebra of subgraph GNNs: policies make tuples, aggregations exchange between them, pooling reads them out."""
