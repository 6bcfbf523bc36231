"""Images, read by typical images, regions, shape and edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.domains.image.columns import ImageColumns
    from explaindistill.domains.image.domain import ImageDomain
    from explaindistill.domains.image.drawing import ShownImage
    from explaindistill.domains.image.samplers import ImageSampler

__all__ = ["ImageColumns", "ImageDomain", "ImageSampler", "ShownImage"]

__getattr__ = plugins.lazy(
    __name__,
    {"ImageColumns": "columns", "ImageDomain": "domain", "ImageSampler": "samplers", "ShownImage": "drawing"},
)
