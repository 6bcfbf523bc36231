"""Distiller: the meta-estimator that joins teacher, sampler and student."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from explaindistill.asking.cost import Meter
from explaindistill.asking.forecast import Forecast, StandIn, any_answer
from explaindistill.asking.progress import Show, Stage, under_way
from explaindistill.data.door import opened
from explaindistill.data.labels import as_labels, as_values
from explaindistill.data.named_columns import named_columns, without
from explaindistill.data.parts import drawn_rows
from explaindistill.data.row_keys import RowIdentity
from explaindistill.data.rows_sent import asking_for
from explaindistill.data.schema import Schema
from explaindistill.data.student_view import StudentView, WholeRows
from explaindistill.data.target_names import target_name
from explaindistill.data.targets import SoftTargets, mix_labels, one_hot
from explaindistill.data.weights import as_weights
from explaindistill.distillation.choosing.student_choice import StudentChoice
from explaindistill.distillation.corpus import ALL, Corpus, QueryPlan, ask_only, asks
from explaindistill.distillation.made_rows import FitRows
from explaindistill.distillation.objects.asking import rehearse
from explaindistill.distillation.objects.columns import object_view
from explaindistill.distillation.objects.methods import ObjectMethods
from explaindistill.distillation.objects.rows import ObjectRows
from explaindistill.distillation.objects.sampling import object_plan, stable_object_plan
from explaindistill.distillation.objects.teacher import teacher_of_objects
from explaindistill.distillation.partitions import (
    PartPrediction,
    check_partitions,
    fit_to_parts,
    names_of_parts,
    seen_names,
)
from explaindistill.distillation.run import DistillationRun, plan_of, seed_student, stable_plan
from explaindistill.distillation.scoring import make_fidelity_scorer, score
from explaindistill.distillation.stable import STABLE, most_questions
from explaindistill.distillation.student_fit import check_task
from explaindistill.distillation.student_methods import StudentMethods, name_target, student_has
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.ranges import seed_in
from explaindistill.protocols import Domain, Partitions, Row, Rows, TeacherLike, can_be_asked
from explaindistill.scale.opening import answers_of, partitions_of
from explaindistill.teachers import as_teacher

__all__ = ["Distiller"]


class Distiller(StudentMethods, ObjectMethods, MetaEstimatorMixin, BaseEstimator):
    r"""Ask a teacher, fit a student to its answers.

    The student :math:`s` minimises its own loss against the teacher :math:`t` on real and made-up rows,

    .. math:: \min_s \sum_i w_i\, \ell\big((1-a)\,t(x_i) + a\,y_i,\; s(x_i)\big),

    with ``a = label_weight`` on real rows that have a label, 0 elsewhere.

    Parameters
    ----------
    teacher : teacher adapter, fitted estimator, torch module, or callable
        Asked, never trained, cloned or changed.
    student : scikit-learn estimator
        One of ours takes soft labels, raw categories and missing values; any other works too: each row is repeated
        per class with weight p_k.
    sampler : Sampler, "auto" or None
        Makes rows beyond the real ones; ``MungeSampler()`` when None. ``"auto"`` makes half of them with it and half
        with ``CopulaSampler()``, and keeps both unless one of them, or no made-up row, is better by more than chance
        on real rows that neither sampler nor student saw. It takes some four fits.
    features : list of column names (or positions), or transformer, optional
        What the student may see; all columns when None. The teacher always gets the whole row. With a ``domain``: the
        ordinary columns that it may see beside those of the domain.
    domain : Domain, optional
        For rows that are no rows of a table: texts, images, sounds. ``X`` then is a list, a Series or an array of
        objects, or a frame with a column of them; the teacher is asked with the objects themselves, and the student
        sees the domain's columns. See the how-to "Distil texts, images and sounds".
    n_queries : int >= 1, "auto", "all" or "stable", default="auto"
        Distinct rows asked of the teacher during ``fit``, all pools included. ``"all"`` asks about every real row and
        makes none, the way for rows in partitions. ``"auto"`` asks five times the real rows,
        at most 100,000 unless there are more real rows; fewer than the real rows asks a random part of them. With
        ``sampler="auto"`` it asks ten times the real rows up to 5,000 where that is more.
        ``"stable"`` asks 8 times the real rows and doubles that, up to 64 times, until the student no longer changes by
        chance; rows then are made by ``CopulaSampler(n_groups=1)``, which depends least on the rows at hand, and trees
        get ``tie_tolerance=0.15``, where neither is set.
    query_strategy : "random", "committee" or "boundary", default="random"
        Which rows are asked where ``n_queries`` is not enough for all: by chance; or in rounds, where small trees
        disagree or are undecided.
    proxy : "auto", "gam", "network" or None, default=None
        A model fitted to the teacher's answers that labels the other rows in its place; ``"auto"`` mixes an additive
        model and a network by their held-out error. The best known way to ask few questions is ``proxy="auto"``,
        with ``query_strategy="committee"`` for additive students; see the how-to "Ask less".
    label_weight : float in [0, 1], default=0
        Share of the true label in the target, where ``y`` is given to ``fit``.
    ways : sequence of objects with ``apply(targets, teacher, schema, seed)``, default=()
        Further ways of distilling, in order: each changes rows, targets or weights before the student is fitted. Those
        of this package are in ``explaindistill.distillation.ways``.
    store : path or label store, optional
        Keeps the answers, so that no row is asked twice.
    target_name : str, optional
        What the teacher's answers are, with the unit of values, such as ``"price in €"``: texts of the student then
        say "price in €" and not "value", "default 1" and not "1". The name of ``y`` where it is given with one.
    random_state : int, RandomState or None, default=None
        None draws a seed and keeps it in ``seed_``.

    Attributes
    ----------
    student_ : fitted clone of ``student``
    teacher_ : the adapter that was asked
    classes_ : ndarray of shape (k,), sorted; classification only
    schema_ : Schema of the rows given to ``fit``
    view_ : StudentView
        What the student sees of a row: its ``names``, or its transformer ``features``.
    fit_rows_ : RowIdentity
        Labels and keys of the rows given to ``fit``, so that an audit leaves them out; never the rows.
    corpus_ : Corpus
        How many rows were asked and where they came from; holds no rows.
    n_queries_ : int
    cost_ : Cost
        Seconds, memory and questions of this fit; an audit shows them and never looks at a clock itself.
    candidates_ : DataFrame
        Only where the student was still to be chosen, see :func:`~explaindistill.best`: how all of them did.
    enlargements_ : DataFrame
        Only with ``n_queries="stable"``: a line per size tried, ``n_rows``, ``n_queries``, ``chance``; why it stopped
        is ``corpus_.stopped``.
    sampler_ : Sampler or None
        What makes rows as those of the corpus were made, unfitted; None where none was made.
    sampler_candidates_ : DataFrame
        Only with ``sampler="auto"``, where rows were made: how the samplers did; see
        :class:`~explaindistill.distillation.choosing.sampler_choice.SamplerChoice`.
    seed_ : int
    n_features_in_, feature_names_in_ : as in scikit-learn

    Notes
    -----
    ``score(X)`` is fidelity: agreement with the teacher, or R² in regression; ``score(X, y)`` is accuracy or R²
    against ``y``. Cloning keeps the teacher and the store themselves, so that grid search neither unfits
    nor copies them.

    References
    ----------
    Buciluă, Caruana and Niculescu-Mizil (2006), doi:10.1145/1150402.1150464.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from explaindistill import Distiller, TreeClassifier
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> forest = RandomForestClassifier(50, random_state=0).fit(X, y)
    >>> student = Distiller(forest, TreeClassifier(max_leaf_nodes=8), random_state=0).fit(X)
    >>> student.score(X) > 0.93
    True
    """

    def __init__(
        self,
        teacher: TeacherLike,
        student: Any,
        *,
        sampler: Any = None,
        features: Any = None,
        domain: Domain | None = None,
        n_queries: int | str = "auto",
        query_strategy: str = "random",
        proxy: str | None = None,
        label_weight: float = 0.0,
        ways: Sequence[Any] = (),
        store: Any = None,
        target_name: str | None = None,
        random_state: Any = None,
    ) -> None:
        self.teacher = teacher
        self.student = student
        self.sampler = sampler
        self.features = features
        self.domain = domain
        self.n_queries = n_queries
        self.query_strategy = query_strategy
        self.proxy = proxy
        self.label_weight = label_weight
        self.ways = ways
        self.store = store
        self.target_name = target_name
        self.random_state = random_state

    def fit(
        self,
        X: Rows,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        progress: Show = None,
    ) -> Distiller:
        """Ask the teacher about X and rows like it, and fit the student.

        Parameters
        ----------
        X : DataFrame or array of shape (n, d), or rows in partitions
            Raw rows in the teacher's input space. Of :func:`explaindistill.open_parquet` or a frame of dask, where they
            are more than memory holds: with ``n_queries="all"`` each part is asked where it lies, and a tree is that of
            the same rows in memory; with a number, so many distinct rows are drawn by their content and fitted to in
            memory.
        y : array of shape (n,), or name of a column of X, optional
            True labels; used only where ``label_weight`` is above 0. A column that is named, here or as weights, is
            taken out of what teacher and student see.
        sample_weight : array of shape (n,), or name of a column of X, optional
            Synthetic rows inherit the mean weight of the rows they were made from.
        progress : bool or callable, optional
            How far it is, see :func:`explaindistill.label`. What was answered when the fit is interrupted is in
            ``store``.

        Raises
        ------
        InvalidInputError
            For arguments that break their rule; nothing is asked then.
        TeacherError
            If the teacher's answer is not an answer.
        """
        if (parts := partitions_of(X)) is not None:
            check_partitions(self, y, sample_weight)
            names, columns = names_of_parts(parts, {"y": y, "sample_weight": sample_weight})
            if self.n_queries == ALL:
                return self._fit_parts(parts, names, columns.get("sample_weight"), progress)
            X = drawn_rows(parts, names, int(QueryPlan(self.n_queries).n_queries), list(columns.values()))
        named, labels = named_columns(X, {"y": y, "sample_weight": sample_weight})
        X, y, sample_weight = without(X, labels.values()), named["y"], named["sample_weight"]
        run, task = self._opened(X, y, sample_weight)
        with asking_for("fit"), under_way(progress, run.stages(), self.store):
            targets = self._with_labels(run.ask(), run.corpus, y)
            student, targets = run.enlarge(targets) if run.stable else (run.grow(targets), targets)
        if run.stable:
            self.enlargements_ = run.path
        if run.candidates is not None:
            self.candidates_ = run.candidates
        name_target(student, self.target_name or target_name(y, getattr(self, "feature_names_in_", ())))
        self.teacher_, self.student_, self.task_ = run.teacher, student, task
        self.view_, self.schema_ = run.view, run.view.schema
        if self.object_rows_ is not None:
            self.view_.features.forget()
        self.sampler_ = run.sampler
        if run.choice is not None:
            self.sampler_candidates_ = run.choice.frame
        self.corpus_, self.label_mode_, self.n_queries_ = run.corpus, run.label_mode, targets.n_queries
        self.cost_ = run.meter.cost(
            n_queries=self.n_queries_,
            n_asked=self.corpus_.n_asked,
            query_seconds=self.corpus_.query_seconds,
            n_stored=self.corpus_.n_stored,
        )
        index = X.index if isinstance(X, pd.DataFrame | pd.Series) else None
        self.fit_rows_ = RowIdentity(index, run.rows.keyed.keys)
        if targets.classes is not None:
            self.classes_ = targets.classes
        return self

    def _fit_parts(self, parts: Partitions, names: list[str], weight: str | None, progress: Show) -> Distiller:
        """Ask about every row of partitions where it lies, and fit the student to sums of answers."""
        meter, teacher = Meter(), as_teacher(self.teacher)
        task = check_task(self.student, teacher)
        self._check_parameters(None)
        self.seed_ = self._draw_seed()
        student = clone(self.student)
        seed_student(student, self.seed_)
        visible = None if self.features is None else seen_names(self.features, names)
        stages = [Stage("asking the teacher, fitting the student", work=1.0, rows=0)]
        with asking_for("fit"), under_way(progress, stages, None), meter.fitting():
            fitted = fit_to_parts(student, teacher, parts, names, visible, weight, self.seed_)
        name_target(student, self.target_name)
        self.n_features_in_, self.feature_names_in_ = len(names), np.array(names, dtype=object)
        self.teacher_, self.student_, self.task_ = teacher, student, task
        self.view_, self.schema_ = StudentView(fitted.schema, visible), fitted.schema
        self.sampler_, self.corpus_, self.fit_rows_ = None, fitted.corpus, fitted.identity
        self.object_rows_ = None
        self.label_mode_ = "values" if teacher.classes_ is None else "soft"
        self.n_queries_ = fitted.corpus.n_queries
        self.cost_ = meter.cost(
            n_queries=self.n_queries_, n_asked=fitted.corpus.n_asked, query_seconds=fitted.corpus.query_seconds
        )
        if teacher.classes_ is not None:
            self.classes_ = teacher.classes_
        return self

    def _opened(self, X: Any, y: ArrayLike | None, sample_weight: ArrayLike | None) -> tuple[DistillationRun, str]:
        """Check everything that can be checked before the first question."""
        meter = Meter()
        objects = None if self.domain is None else ObjectRows.of(self.domain, X)
        self.object_rows_ = objects
        teacher = as_teacher(self.teacher) if objects is None else teacher_of_objects(self.teacher, objects)
        task = check_task(self.student, teacher)
        if isinstance(self.student, StudentChoice):
            self.student.checked()
        self._check_parameters(y)
        X = X if objects is None else objects.frame(X)
        frame = opened(self, X, reset=True)
        schema = Schema.infer(X)
        weight = as_weights(sample_weight, len(frame))
        self.seed_ = self._draw_seed()
        if objects is not None and self._stable:
            plan = stable_object_plan(len(frame), self.sampler, self.domain)
        elif objects is not None:
            given = QueryPlan(self.n_queries, self.query_strategy, self.proxy, self.sampler)
            plan = object_plan(given, self.domain)
        elif self._stable:
            plan = stable_plan(len(frame), self.sampler)
        else:
            plan = plan_of(
                teacher, len(frame), QueryPlan(self.n_queries, self.query_strategy, self.proxy, self.sampler)
            )
        run = DistillationRun(
            teacher=teacher,
            view=StudentView.choose(self.features, schema, X)
            if objects is None
            else object_view(objects, schema, self.features),
            rows=FitRows.of(frame, schema, weight),
            plan=plan,
            student=self.student,
            ways=self.ways,
            store=self.store,
            seed=self.seed_,
            stable=self._stable,
            meter=meter,
        )
        return run, task

    def dry_run(self, X: Rows, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> Forecast:
        """Tell what ``fit`` would ask with the same arguments, and ask nothing.

        Returns
        -------
        Forecast
            Rows, money at the teacher's price, and loss of privacy. The number is the one of ``fit``, retries apart;
            where answers decide what is asked further (``n_queries="stable"``, other query strategies, samplers that
            ask) it is the most that may be asked. With ``random_state=None`` it may differ by equal rows that chance
            makes.

        Examples
        --------
        >>> import explaindistill as xd
        >>> X = pd.DataFrame({"x": np.linspace(0, 1, 100)})
        >>> square = xd.Distiller(lambda X: X["x"].to_numpy() ** 2, xd.TreeRegressor(), random_state=0)
        >>> print(square.dry_run(X), "|", square.fit(X).cost_.n_asked)
        298 rows would be sent to the teacher: fit 298 | 298
        """
        if partitions_of(X) is not None:
            raise InvalidInputError(
                'dry_run needs rows in memory, got rows in partitions; n_queries="all" asks about each distinct row of '
                "a partition once"
            )
        named, labels = named_columns(X, {"y": y, "sample_weight": sample_weight})
        run, _ = clone(self)._opened(without(X, labels.values()), named["y"], named["sample_weight"])
        stand_in = run.teacher
        if not isinstance(stand_in, StandIn):
            stand_in = StandIn(run.teacher, any_answer(run.teacher.classes_), self.store)
        n = len(run.rows)
        with asking_for("fit"):
            if self.domain is not None and not run.stable:
                most = rehearse(stand_in, run.rows, run.plan, run.view.features, run.seed)
            else:
                most = most_questions(STABLE, n) if run.stable else ask_only(stand_in, run.rows, run.plan, run.seed)
            if most is not None:
                stand_in.allow(most)
        return stand_in.forecast()

    @property
    def _stable(self) -> bool:
        return isinstance(self.n_queries, str) and self.n_queries == STABLE

    @available_if(student_has("predict"))
    def predict(self, X: Rows) -> NDArray[Any]:
        """Answers of the student ``(n,)``, or ``(n, m)``.

        Of rows in partitions they are reckoned a part at a time when they are read: an iterable of arrays, or for a
        frame of dask a series or frame of its own.
        """
        if partitions_of(X) is not None:
            check_is_fitted(self)
            return answers_of(X, PartPrediction(self.student_, self.view_, "predict"))
        return self.student_.predict(self._student_rows(X))

    @available_if(student_has("predict_proba"))
    def predict_proba(self, X: Rows) -> NDArray[np.float64]:
        """Probabilities of the student ``(n, k)``, in the order of ``classes_``; see :meth:`predict` for partitions."""
        if partitions_of(X) is not None:
            check_is_fitted(self)
            return answers_of(X, PartPrediction(self.student_, self.view_, "predict_proba"))
        return self.student_.predict_proba(self._student_rows(X))

    @available_if(student_has("counterfactual"))
    def counterfactual(self, row: Row, **limits: Any) -> Any:
        """Find the smallest change of a row that changes the student's decision, and put it to the teacher.

        Parameters
        ----------
        row : DataFrame with one row, Series or mapping
            All columns of the teacher; those that the student does not see stay as they are.
        **limits : ``wanted``, ``threshold``, ``change``, ``bounds``, ``prices`` of the student's own ``counterfactual``

        Returns
        -------
        Counterfactual
            ``row`` has all columns. ``teacher_agrees`` is None where the teacher is a record: it answers nothing new.

        Raises
        ------
        InvalidInputError
            If the student sees transformed columns, or ``row`` is not one row.
        """
        whole, X = self._whole(row, "counterfactual")
        judge = whole if can_be_asked(self.teacher_) else None
        change = self.student_.counterfactual(self._student_rows(X), teacher=judge, **limits)
        return change if change.row is None else replace(change, row=whole.of(change.row))

    @available_if(student_has("agreement_intervals"))
    def agreement_intervals(self, row: Row, **how: Any) -> pd.DataFrame:
        """Find over which values of one column, changed alone, the student and its own teacher decide alike.

        As the student's own ``agreement_intervals``; ``row`` has all columns of the teacher, of which those that the
        student does not see stay as they are. A student of transformed columns and a recorded teacher are refused.
        """
        whole, X = self._whole(row, "agreement_intervals")
        if not can_be_asked(self.teacher_):
            raise InvalidInputError("agreement_intervals asks about changed rows, and this teacher has only records")
        if how.get("reference") is not None:
            how["reference"] = self._student_rows(how["reference"])
        return self.student_.agreement_intervals(self._student_rows(X), whole, **how)

    def _whole(self, row: Any, method: str) -> tuple[WholeRows, Any]:
        """The teacher for changed columns of one row, whose other columns stay, and that row."""
        check_is_fitted(self)
        if self.view_.is_transformed:
            raise InvalidInputError(f"{method} needs a student that sees columns as they are, not transformed")
        cells = row.to_dict() if isinstance(row, pd.Series) else row
        X = pd.DataFrame({k: [v] for k, v in cells.items()}) if isinstance(cells, Mapping) else cells
        return WholeRows(self.teacher_, self.view_, self.schema_.frame(X)), X

    @available_if(student_has("export"))
    def export(self, path: str | Path, verify: Literal["inprocess", "target"] | None = "inprocess") -> Path:
        """Write the student as code or data; see the student's own ``export``. It asks for the columns that it sees.

        Raises
        ------
        InvalidInputError
            If the student sees transformed columns, which code without this package could not make.
        """
        check_is_fitted(self)
        if self.view_.is_transformed:
            kind = type(self.view_.features).__name__
            raise InvalidInputError(
                f"export needs a student that sees columns as they are, got features={kind}; "
                "distiller.student_.export writes the student alone, for rows that went through distiller.features_"
            )
        # a student of somebody else may know no verify
        return Path(self.student_.export(path) if verify == "inprocess" else self.student_.export(path, verify))

    def score(self, X: Rows, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> float:
        """Fidelity where ``y`` is None (agreement, or R² against the teacher), else accuracy or R² against ``y``.

        Without ``y`` the teacher is asked about the rows that the store does not know. Where that costs privacy
        (:class:`~explaindistill.teachers.pate.PateTeacher`), a ``PrivacyLossWarning`` says how much.
        """
        check_is_fitted(self)
        named, labels = named_columns(X, {"y": y, "sample_weight": sample_weight})
        X, y, sample_weight = without(X, labels.values()), named["y"], named["sample_weight"]
        if y is None:
            # as the teacher was asked in fit, whatever holds them now
            objects = self.object_rows_
            rows = self.schema_.restore(self.schema_.frame(X)) if objects is None else objects.frame(X)
            return make_fidelity_scorer(self.teacher_, store=self.store)(self, rows, sample_weight=sample_weight)
        return score(y, self.predict(X), self.task_, sample_weight)

    def _student_rows(self, X: Any) -> Any:
        check_is_fitted(self)
        rows = X if self.object_rows_ is None else self.object_rows_.frame(X)
        return self.view_.restored(self.schema_.frame(opened(self, rows, reset=False)))

    @property
    def features_(self) -> Any:
        """Names that the student sees, the fitted transformer, or None for all columns."""
        check_is_fitted(self)
        return self.view_.features

    def _check_parameters(self, y: Any) -> None:
        seed_in("random_state", self.random_state)
        if not isinstance(self.label_weight, numbers.Real) or not 0 <= self.label_weight <= 1:
            raise InvalidInputError(f"label_weight must lie between 0 and 1, got {self.label_weight!r}")
        if self.target_name is not None and not isinstance(self.target_name, str):
            raise InvalidInputError(
                f"target_name must be a text such as 'price in €' or None, got {self.target_name!r}"
            )
        if missing := [type(way).__name__ for way in self.ways if not hasattr(way, "apply")]:
            raise InvalidInputError(f"ways must be objects with apply(), got {', '.join(missing)}")
        if self._stable and (self.proxy is not None or self.query_strategy != "random"):
            raise InvalidInputError(
                'n_queries="stable" asks about every row it makes; leave query_strategy and proxy as they are'
            )
        if self._stable and (asks(self.sampler) or isinstance(self.sampler, str)):
            name = repr(self.sampler) if isinstance(self.sampler, str) else type(self.sampler).__name__
            raise InvalidInputError(
                f'n_queries="stable" needs one sampler that asks nothing itself, got {name}; '
                "leave it None for the one that changes least"
            )
        if self.label_weight > 0 and y is None:
            raise InvalidInputError(f"label_weight is {self.label_weight}, which needs y; give y to fit, or leave it 0")

    def _draw_seed(self) -> int:
        if isinstance(self.random_state, numbers.Integral):
            return int(self.random_state)
        if self.random_state is None:
            return int(np.random.default_rng().integers(2**31))
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _with_labels(self, targets: SoftTargets, corpus: Corpus, y: ArrayLike | None) -> SoftTargets:
        """Mix true labels into the answers on the real rows, which come first in the order of ``corpus.observed``."""
        if self.label_weight == 0 or y is None:
            return targets
        rows = corpus.observed
        classes = targets.classes
        truth = as_values(y)[rows] if classes is None else one_hot(as_labels(y)[rows], classes)
        P = targets.P.copy()
        P[: len(rows)] = mix_labels(P[: len(rows)], truth.reshape(P[: len(rows)].shape), float(self.label_weight))
        return targets.with_targets(P)

    def __sklearn_clone__(self) -> Distiller:
        """Clone the parameters, but keep the teacher and the store themselves."""
        shared = {"teacher", "store"}
        params = {k: v if k in shared else clone(v, safe=False) for k, v in self.get_params(deep=False).items()}
        return type(self)(**params)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.student)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        tags.target_tags.required = False
        tags.input_tags.two_d_array = self.domain is None
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags
