"""The nodes and constants of an ONNX graph while it is being written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from explaindistill.errors import MissingExtraError

__all__ = ["Graph"]

OPSET, IR_VERSION, ML_OPSET = 17, 8, 3


class Graph:
    """Nodes in the order they were added; names never meet those of the user's columns.

    Parameters
    ----------
    reserved : names of the model's inputs
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        try:
            import onnx
        except ImportError as error:
            raise MissingExtraError.of("onnx", "onnx") from error
        self._onnx = onnx
        self._taken = set(reserved)
        self._known: dict[tuple[Any, ...], str] = {}
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.uses_ml = False

    def name(self, wish: str) -> str:
        """Return the name, with underscores where it is taken."""
        while wish in self._taken:
            wish += "_"
        self._taken.add(wish)
        return wish

    def constant(self, values: Any, dtype: Any = np.float64) -> str:
        """Name of a constant tensor; equal ones are kept once."""
        array = np.array(values, dtype=dtype)
        key = (str(array.dtype), array.shape, tuple(array.ravel().tolist()))
        if key not in self._known:
            name = self._known[key] = self.name(f"constant_{len(self.constants)}")
            content = array.astype(object) if array.dtype.kind == "U" else np.ascontiguousarray(array)
            self.constants.append(self._onnx.numpy_helper.from_array(content, name))
        return self._known[key]

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        output = self.name(f"{kind.lower()}_{len(self.nodes)}")
        self._append(kind, inputs, output, attributes)
        return output

    def finish(self, source: str, wish: str) -> str:
        """Give a tensor the name of an output of the model."""
        output = self.name(wish)
        self._append("Identity", (source,), output, {})
        return output

    def _append(self, kind: str, inputs: tuple[str, ...], output: str, attributes: dict[str, Any]) -> None:
        if kind == "LabelEncoder":
            self.uses_ml = True
            attributes = {**attributes, "domain": "ai.onnx.ml"}
        self.nodes.append(self._onnx.helper.make_node(kind, list(inputs), [output], name=output, **attributes))

    def cast(self, source: str, dtype: type) -> str:
        """Numbers of another type."""
        return self.add("Cast", source, to=self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def picked(self, source: str, at: Iterable[int]) -> str:
        """Some columns of a matrix."""
        return self.add("Gather", source, self.constant(list(at), np.int64), axis=1)

    def model(
        self,
        inputs: Iterable[tuple[str, type, str]],
        outputs: Iterable[tuple[str, type, tuple[Any, ...]]],
        metadata: dict[str, str],
    ) -> bytes:
        """The finished model; inputs are (name, type, what it is), outputs (name, type, shape)."""
        helper = self._onnx.helper
        types: dict[type, Any] = {
            t: helper.np_dtype_to_tensor_dtype(np.dtype(object if t is str else t)) for t in (float, int, bool, str)
        }
        into = [helper.make_tensor_value_info(n, types[t], ["n", 1], doc_string=what) for n, t, what in inputs]
        out = [helper.make_tensor_value_info(n, types[t], list(shape)) for n, t, shape in outputs]
        graph = helper.make_graph(self.nodes, "student", into, out, self.constants)
        opsets = [helper.make_opsetid("", OPSET)]
        opsets += [helper.make_opsetid("ai.onnx.ml", ML_OPSET)] if self.uses_ml else []
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="explaindistill")
        helper.set_model_props(model, metadata)
        self._onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))
