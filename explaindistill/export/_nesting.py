"""Deep trees, written so that no parser gives up: Python allows 100 levels, SQLite's parser about 18 nested cases."""

from __future__ import annotations

from explaindistill.data.program import Leaf, Not, Split

__all__ = ["shallow"]

MOST_NESTED = 10
"""Questions inside each other's "yes" that the tightest parser, SQLite's stack of 100 symbols, takes with room left."""


def shallow(tree: Split | Leaf) -> Split | Leaf:
    """The tree itself, or one that answers alike and nests few questions inside a "yes".

    Languages write ``no`` as the next branch of the same question, so that only ``yes`` goes deeper. Where it would go
    too deep, the larger side of every question becomes ``no``: then ``yes`` nests at most log2 of the leaves.

    Examples
    --------
    >>> from explaindistill.data.program import AtMost, Input
    >>> tree, x = Leaf((0.0,)), Input("x", "numeric", (), "x_x")
    >>> for bound in range(30):
    ...     tree = Split(AtMost(x, float(bound)), tree, Leaf((1.0,)))
    >>> shallow(tree).condition
    Not(condition=AtMost(input=Input(name='x', kind='numeric', categories=(), variable='x_x'), bound=29.0))
    """
    return _turned(tree)[0] if _nesting(tree) > MOST_NESTED else tree


def _nesting(node: Split | Leaf) -> int:
    return 0 if isinstance(node, Leaf) else max(1 + _nesting(node.yes), _nesting(node.no))


def _turned(node: Split | Leaf) -> tuple[Split | Leaf, int]:
    """The tree with the larger side under ``no``, and its leaves."""
    if isinstance(node, Leaf):
        return node, 1
    (yes, n_yes), (no, n_no) = _turned(node.yes), _turned(node.no)
    if n_yes <= n_no:
        return Split(node.condition, yes, no), n_yes + n_no
    return Split(Not(node.condition), no, yes), n_yes + n_no
