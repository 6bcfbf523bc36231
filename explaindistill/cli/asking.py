"""What a command asks of its teacher: told before it is asked, and said again from the counter afterwards."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console

from explaindistill.asking.cost import price_of_a_row_sent
from explaindistill.asking.forecast import Forecast, StandIn, any_answer
from explaindistill.asking.labelling import label
from explaindistill.auditing.rehearsal import OPEN
from explaindistill.cli.rows import SplitRows
from explaindistill.cli.steps import distillers, working
from explaindistill.data.rows_sent import RowsSent, asking_for, counters_of

__all__ = ["forecast_audit", "forecast_fit", "print_rows_sent", "stand_in_for", "told_beforehand"]


def stand_in_for(teacher: Any, store: Any) -> StandIn:
    """What answers in the place of a teacher that is not asked; before a fit there is no student to do it."""
    return StandIn(teacher, any_answer(teacher.classes_), store, OPEN)


def told_beforehand(args: Namespace, teacher: Any, console: Console, forecast: Callable[[], Forecast]) -> bool:
    """Whether the command ends here (``--dry-run``); a price is reason enough to tell what the command will ask."""
    price = getattr(args, "price_per_row", None)
    has_price = price_of_a_row_sent(teacher, price) is not None or getattr(teacher, "price_per_million_tokens", 0.0) > 0
    if not args.dry_run and not has_price:
        return False
    with working("counting what would be asked …"):
        words = str(forecast())
    console.print(words[0].upper() + words[1:] + ".", markup=False, highlight=False)
    if args.dry_run:
        console.print("Rows that are sent again after a failure come on top. Nothing was asked, nothing was written.")
    return bool(args.dry_run)


def forecast_fit(stand_in: StandIn, students: Mapping[str, Any], rows: SplitRows, args: Namespace) -> Forecast:
    """What fitting would ask, and the answers on the rows for measuring."""
    _ask_to_fit(stand_in, students, rows, args)
    with asking_for("held-out"):
        label(stand_in, rows.part("test")[0])
    return stand_in.forecast(args.price_per_row)


def forecast_audit(
    stand_in: StandIn, students: Mapping[str, Any], rows: SplitRows, args: Namespace, **options: Any
) -> Forecast:
    """What fitting and the audit would ask; small trees take the place of the students, which ask nothing."""
    from explaindistill.auditing.audits import audit
    from explaindistill.cli.steps import audited
    from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor

    _ask_to_fit(stand_in, students, rows, args)
    X, _ = rows.part("train")
    P = stand_in.answer(X)
    kind = TreeRegressor if stand_in.classes_ is None else TreeClassifier
    tree = kind(max_leaf_nodes=4).fit(X, P if stand_in.classes_ is None else _soft(P, stand_in.classes_))
    return audit(stand_in, dict.fromkeys(students, tree), **audited(rows), **options, dry_run=True)


def print_rows_sent(
    teacher: Any, console: Console, fitted: Iterable[Any] = (), price_per_row: float | None = None
) -> None:
    """Print how many rows were sent, by purpose, as the adapter counted them; what a store knew; money."""
    counted = RowsSent.of_all(counters_of(teacher))
    whole: dict[str, int] = {}
    for purpose, n in counted.by_purpose.items():
        name = purpose.partition(":")[0]
        whole[name] = whole.get(name, 0) + n
    words = f"{counted.total:,} rows asked"
    if whole:
        words += ": " + ", ".join(f"{name} {n:,}" for name, n in whole.items())
    costs = [d.cost_ for d in fitted]
    if any(d.store is not None for d in fitted):
        words += f"; {sum(cost.n_stored for cost in costs):,} known to the store while fitting"
    if again := sum(cost.n_again for cost in costs):
        words += f"; {again:,} of them sent again after a failure while fitting"
    if (price := price_of_a_row_sent(teacher, price_per_row)) is not None:
        words += f"; {counted.total * price:,.2f} at the stated price"
    console.print(words, markup=False, highlight=False)


def _ask_to_fit(stand_in: StandIn, students: Mapping[str, Any], rows: SplitRows, args: Namespace) -> None:
    X, _ = rows.part("train")
    for distiller in distillers(stand_in, students, args.n_queries, args.random_state).values():
        distiller.dry_run(X)


def _soft(P: Any, classes: Any) -> Any:
    import pandas as pd

    return pd.DataFrame(P, columns=classes)
