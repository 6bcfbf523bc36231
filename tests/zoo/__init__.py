"""The zoo: odd columns, names, labels and containers, crossed with everything that takes rows."""
