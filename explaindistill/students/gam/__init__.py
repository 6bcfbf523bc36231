r"""Additive students: :math:`\text{link}(\mu(x)) = \beta_0 + \sum_j f_j(x_j) + \sum_{jk} f_{jk}(x_j, x_k)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor

__all__ = ["GAMClassifier", "GAMRegressor"]

__getattr__ = plugins.lazy(__name__, dict.fromkeys(__all__, "estimators"))
