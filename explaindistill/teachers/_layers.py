"""Known networks of torch and scikit-learn, written as plain layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from explaindistill.errors import InvalidInputError

__all__ = ["from_mlp", "from_torch"]

_MLP_ACTIVATIONS = {"identity": None, "logistic": "sigmoid", "relu": "relu", "tanh": "tanh", "softmax": "softmax"}


def from_mlp(estimator: Any) -> tuple[list[dict[str, Any]], str]:
    """Layers and output of a fitted ``MLPClassifier`` or ``MLPRegressor``."""
    layers: list[dict[str, Any]] = []
    last = len(estimator.coefs_) - 1
    for i, (weight, bias) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        layers.append({"kind": "linear", "weight": np.ascontiguousarray(weight.T), "bias": np.asarray(bias)})
        kind = _MLP_ACTIVATIONS[estimator.activation]
        if i < last and kind is not None:
            layers.append({"kind": kind})
    if hasattr(estimator, "classes_"):
        if estimator.out_activation_ == "logistic" and len(estimator.classes_) > 2:
            raise InvalidInputError("teacher must label one target, this network labels several at once")
        return layers, "logits"
    return layers, "value"


def from_torch(module: Any) -> list[dict[str, Any]]:
    """Layers of a chain of known torch layers, nested ``Sequential`` included.

    Raises
    ------
    InvalidInputError
        For a part that is not among the known layers.
    """
    import torch
    from torch import nn

    if isinstance(module, nn.Sequential):
        return [layer for child in module for layer in from_torch(child)]
    if isinstance(module, nn.Dropout | nn.Identity):
        return []
    if isinstance(module, nn.Softmax) and module.dim in (1, -1):
        return [{"kind": "softmax"}]
    plain: dict[Any, dict[str, Any]] = {
        nn.ReLU: {"kind": "relu"},
        nn.Tanh: {"kind": "tanh"},
        nn.Sigmoid: {"kind": "sigmoid"},
        nn.SiLU: {"kind": "silu"},
    }
    if type(module) in plain:
        return [dict(plain[type(module)])]

    def array(tensor: torch.Tensor | None, like: torch.Tensor, fill: float) -> Any:
        filled = torch.full((like.shape[0],), fill, dtype=like.dtype) if tensor is None else tensor
        return filled.detach().cpu().numpy().copy()

    return [_with_arrays(module, nn, array)]


def _with_arrays(module: Any, nn: Any, array: Any) -> dict[str, Any]:
    if type(module) is nn.Linear:
        weight = module.weight
        return {"kind": "linear", "weight": array(weight, weight, 0.0), "bias": array(module.bias, weight, 0.0)}
    if type(module) is nn.BatchNorm1d and module.running_mean is not None:
        like = module.running_mean
        arrays = {"mean": array(like, like, 0.0), "variance": array(module.running_var, like, 1.0)}
        affine = {"weight": array(module.weight, like, 1.0), "bias": array(module.bias, like, 0.0)}
        return {"kind": "batch_norm", **arrays, **affine, "eps": float(module.eps)}
    if type(module) is nn.LayerNorm and len(module.normalized_shape) == 1 and module.weight is not None:
        weight, bias = array(module.weight, module.weight, 1.0), array(module.bias, module.weight, 0.0)
        return {"kind": "layer_norm", "weight": weight, "bias": bias, "eps": float(module.eps)}
    if type(module) is nn.GELU:
        return {"kind": "gelu", "approximate": str(module.approximate)}
    if type(module) is nn.LeakyReLU:
        return {"kind": "leaky_relu", "slope": float(module.negative_slope)}
    if type(module) is nn.ELU:
        return {"kind": "elu", "alpha": float(module.alpha)}
    raise InvalidInputError(
        f"{type(module).__name__} cannot be saved without running code when it is loaded; "
        "save chains of Linear, ReLU, GELU, Tanh, Dropout, BatchNorm1d, LayerNorm and the like, or export to ONNX"
    )
