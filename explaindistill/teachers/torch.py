"""Any torch module as a teacher: asked in batches, never trained, left as it was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.rows_sent import HIDDEN_LAYERS, RowsSent
from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.teachers._batches import FEW_ROWS, in_batches
from explaindistill.teachers._checks import Output, check_output, checked_answer, class_order, no_probabilities
from explaindistill.teachers._fingerprint import digest, of_function
from explaindistill.teachers._heads import check_head, one_output
from explaindistill.teachers._inputs import Inputs, check_one_array, several

__all__ = ["TorchTeacher"]


class TorchTeacher:
    """A ``torch.nn.Module`` as a teacher.

    The module is asked in evaluation mode under ``inference_mode``; its training flags are put back afterwards, and
    its weights stay where they are: for another ``device`` copies of them are asked.

    Parameters
    ----------
    module : torch.nn.Module
        Takes a tensor ``(b, ...)``, gives ``(b, k)``, or ``(b, 1)`` or ``(b,)`` for two classes or one value; or a
        tuple, mapping or object that holds such a tensor.
    preprocess : callable, optional
        Takes the rows as the user has them, gives numbers ``(n, ...)``, or several arrays for a module of several
        inputs: a tuple in their order, or a mapping by their names; a module that takes one batch gets the tuple or
        mapping itself. Part of the teacher. Without it the rows must be numbers.
    classes : array of shape (k,), optional
        Classes in the order of the module's outputs; None is regression.
    output : {"logits", "probabilities", "value"}, optional
        What the module gives. When None: logits if there are classes, else values.
    batch_size : int, default=4096
        Rows per question, always just this many; 32 rows or fewer make one question of 32.
    device : str, optional
        Where the questions are computed; None is where the module's weights are.
    hidden : sequence of str, optional
        Names of submodules, as in ``module.named_modules()``, whose outputs :meth:`hidden` tells.
    head : int or str, optional
        Which output is the answer, of a module that gives several: place in a tuple, key of a mapping or attribute.
        When None: what is named ``logits``, or the only tensor.

    Attributes
    ----------
    classes_ : ndarray of shape (k,), sorted, or None in regression
    rows_sent_ : RowsSent
        Rows that were sent to the model, by purpose.

    Examples
    --------
    >>> net = torch.nn.Linear(2, 1)
    >>> _ = net.weight.data.copy_(torch.tensor([[1.0, 0.0]])), net.bias.data.zero_()
    >>> X = np.array([[0.0, 5.0], [2.0, 5.0]])
    >>> teacher = TorchTeacher(net, classes=["no", "yes"])
    >>> teacher.predict_proba(X).round(3).tolist(), teacher.predict(X).tolist()
    ([[0.5, 0.5], [0.119, 0.881]], ['no', 'yes'])
    """

    few_rows = FEW_ROWS

    def __init__(
        self,
        module: torch.nn.Module,
        preprocess: Callable[[Any], Any] | None = None,
        classes: ArrayLike | None = None,
        output: Output | None = None,
        batch_size: int = 4096,
        device: str | None = None,
        hidden: Sequence[str] = (),
        head: int | str | None = None,
    ) -> None:
        if not isinstance(module, torch.nn.Module):
            raise InvalidInputError(f"module must be a torch.nn.Module, got {type(module).__name__}")
        if batch_size < 1:
            raise InvalidInputError(f"batch_size must be at least 1, got {batch_size}")
        self.module = module
        self.preprocess = preprocess
        self.output: Output = check_output(output or ("value" if classes is None else "logits"), classes)
        if self.output == "labels":
            raise InvalidInputError(
                "output must be 'logits', 'probabilities' or 'value' for a torch module, got 'labels'"
            )
        self.batch_size = int(batch_size)
        self.device = device
        self.head = check_head(head)
        self.hidden_names = _named_parts(module, hidden)
        self.classes_, self._order = class_order(classes)
        self.rows_sent_ = RowsSent()

    @property
    def name(self) -> str:
        """Class of the module."""
        return type(self.module).__name__

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities ``(n, k)`` in the order of ``classes_``."""
        if self.classes_ is None:
            raise no_probabilities(self.name)
        return self._ask(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable class ``(n,)``, or values ``(n,)`` or ``(n, m)``."""
        answer = self._ask(X)
        return answer if self.classes_ is None else self.classes_[answer.argmax(axis=1)]

    def hidden(self, X: Any) -> dict[str, NDArray[np.float64]]:
        """Outputs of the submodules named at the start, each flattened to ``(n, h)``, in their order.

        Examples
        --------
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
        >>> teacher = TorchTeacher(net, classes=[0, 1], hidden=["0", "1"])
        >>> {name: H.shape for name, H in teacher.hidden(np.zeros((5, 2))).items()}
        {'0': (5, 3), '1': (5, 3)}
        """
        self.rows_sent_.add(len(X) * len(self.hidden_names), HIDDEN_LAYERS)
        return {name: self._ask_part(X, name) for name in self.hidden_names}

    def _ask_part(self, X: Any, name: str) -> NDArray[np.float64]:
        rows = self._rows(X)
        run, place, dtype = self._runner()
        caught: list[torch.Tensor] = []

        def keep(_module: torch.nn.Module, _given: Any, output: Any) -> None:
            if not isinstance(output, torch.Tensor):
                raise TeacherError(f"layer {name!r} gives a {type(output).__name__}; it must give one tensor")
            caught[:] = [output]

        def question(batch: Any) -> NDArray[Any]:
            caught.clear()
            self._given(run, batch, place, dtype)
            if not caught:
                raise TeacherError(f"layer {name!r} was not used by the answer of {self.name}")
            return caught[0].detach().to(device="cpu", dtype=torch.float64).flatten(1).numpy()

        handle = self.module.get_submodule(name).register_forward_hook(keep)
        try:
            with _asked(self.module):
                return in_batches(rows, self.batch_size, question, self.name)
        finally:
            handle.remove()

    def _given(self, module: Callable[..., Any], batch: Any, place: torch.device, dtype: torch.dtype) -> Any:
        """What the module says about a batch: one array, in the precision of the weights, or several."""
        if isinstance(batch, Inputs):
            return batch.ask(module, self.module.forward, lambda a: _tensor(a, place, dtype))
        return module(torch.from_numpy(np.ascontiguousarray(batch)).to(device=place, dtype=dtype))

    def _rows(self, X: Any) -> NDArray[Any] | Inputs:
        rows = self._numbers(X)
        if not isinstance(rows, Inputs):
            check_one_array(self.module.forward, self.name)
        if len(rows) != len(X):
            raise TeacherError(f"preprocess was given {len(X)} rows and gave {len(rows)}; it must keep every row")
        return rows

    def _runner(self) -> tuple[Callable[..., Any], torch.device, torch.dtype]:
        """The module, or copies of its weights on the device asked for; that device, and the weights' precision."""
        home, dtype = self._home()
        place = torch.device(self.device) if self.device is not None else home
        return (self.module if place == home else _elsewhere(self.module, place)), place, dtype

    def _ask(self, X: Any) -> NDArray[np.float64]:
        rows = self._rows(X)
        module, place, dtype = self._runner()

        def question(batch: Any) -> NDArray[Any]:
            raw = one_output(self._given(module, batch, place, dtype), self.head, torch.Tensor, self.name)
            return raw.detach().to(device="cpu", dtype=torch.float64).numpy()

        self.rows_sent_.add(len(rows))
        with _asked(self.module):
            raw = in_batches(rows, self.batch_size, question, self.name)
        return checked_answer(raw, len(rows), self.output, self.classes_, self._order, self.name)

    def _numbers(self, X: Any) -> NDArray[Any] | Inputs:
        raw = X if self.preprocess is None else self.preprocess(X)
        if self.preprocess is not None and (inputs := several(raw, len(X))) is not None:
            return inputs
        if isinstance(raw, torch.Tensor):
            return raw.detach().cpu().numpy()
        if hasattr(raw, "toarray"):
            raw = raw.toarray()
        values = raw.to_numpy() if isinstance(raw, pd.DataFrame) else np.asarray(raw)
        if values.dtype.kind in "biuf":
            return values
        try:
            return values.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise TeacherError(
                f"the rows of {self.name} must be numbers ({error}); "
                "give preprocess=, for instance a fitted TableEncoder"
            ) from error

    def _home(self) -> tuple[torch.device, torch.dtype]:
        """Where the module's weights are, and their precision."""
        for tensor in (*self.module.parameters(), *self.module.buffers()):
            if tensor.is_floating_point():
                return tensor.device, tensor.dtype
        return torch.device("cpu"), torch.float32

    def fingerprint(self) -> str | None:
        """Digest of weights, layers, code of the module, preprocessing, classes and output."""
        before = of_function(self.preprocess)
        if before is None:
            return None
        weights = []
        for key, tensor in sorted(self.module.state_dict().items()):
            if isinstance(tensor, torch.Tensor):
                flat = tensor.detach().cpu().contiguous().reshape(-1)
                weights += [key, str(tensor.dtype), list(tensor.shape), flat.view(torch.uint8).numpy()]
        classes = None if self.classes_ is None else self.classes_.tolist()
        order = None if self._order is None else self._order.tolist()
        head = () if self.head is None else (self.head,)  # without one, digests of stored answers stay as they were
        return digest(
            "torch", str(self.module), _code(self.module), before, classes, order, self.output, *weights, *head
        )

    def bare(self, X: Any) -> Callable[[], Any]:
        """Question of one prepared row to the module alone: what its answer takes without tables and preprocessing."""
        home, dtype = self._home()
        rows = self._numbers(X)
        batch = rows.padded(0, 1, 1) if isinstance(rows, Inputs) else rows[:1]

        def question() -> Any:
            self.rows_sent_.add(1)
            with _asked(self.module):
                return self._given(self.module, batch, home, dtype)

        return question

    def weights(self) -> bytes:
        """Parameters and buffers, one after the other, in the precision they have."""
        arrays = []
        for _, tensor in sorted(self.module.state_dict().items()):
            if isinstance(tensor, torch.Tensor):
                arrays.append(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return b"".join(arrays)

    def operations(self, X: Any) -> float:
        """Floating-point operations for one row, as torch counts them (products of matrices, convolutions, attention).

        A multiplication and the addition after it are two. NaN where torch counts none. Preprocessing is not in it.
        """
        from torch.utils.flop_counter import FlopCounterMode

        home, dtype = self._home()
        rows = self._numbers(X)
        batch = rows.padded(0, 1, 1) if isinstance(rows, Inputs) else rows[:1]
        with _evaluated(self.module), torch.no_grad(), FlopCounterMode(display=False) as counted:
            self._given(self.module, batch, home, dtype)
        total = counted.get_total_flops()
        return float(total) if total else float("nan")

    def __sklearn_clone__(self) -> TorchTeacher:
        return self


def _named_parts(module: torch.nn.Module, names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise InvalidInputError(f'hidden must be a sequence of names, got {names!r}; write hidden=["{names}"]')
    submodules = [name for name, _ in module.named_modules() if name]
    if unknown := [name for name in names if name not in submodules]:
        raise InvalidInputError(
            f"hidden names {', '.join(map(repr, unknown))}, "
            f"the module has: {', '.join(map(repr, submodules)) or 'no parts'}"
        )
    return tuple(names)


@contextmanager
def _evaluated(module: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode for the time of the question; the training flag of every submodule is put back."""
    flags = [(submodule, submodule.training) for submodule in module.modules()]
    try:
        module.eval()
        yield
    finally:
        for submodule, training in flags:
            submodule.training = training


@contextmanager
def _asked(module: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients."""
    with _evaluated(module), torch.inference_mode():
        yield


def _tensor(array: NDArray[Any], place: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """One of several inputs: whole numbers, such as places in an embedding, stay whole."""
    tensor = torch.from_numpy(array).to(place)
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _elsewhere(module: torch.nn.Module, place: torch.device) -> Callable[..., Any]:
    """Ask copies of the weights on another device; the module itself stays where it is."""
    state = {k: v.detach().to(place) for k, v in (*module.named_parameters(), *module.named_buffers())}
    return lambda *x, **named: torch.func.functional_call(module, state, x, named)


def _code(module: torch.nn.Module) -> list[Any]:
    """Code of the ``forward`` of submodules that are not torch's own."""
    codes: dict[str, Any] = {}
    for submodule in module.modules():
        kind = type(submodule)
        code = getattr(kind.forward, "__code__", None)
        if not kind.__module__.startswith("torch.") and code is not None:
            constants = [c for c in code.co_consts if isinstance(c, int | float | str | bytes | type(None))]
            codes[kind.__qualname__] = [code.co_code.hex(), list(code.co_names), constants]
    return sorted(codes.items())
