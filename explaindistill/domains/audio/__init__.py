"""Sounds, read by the energy of bands over their parts, spectral shape, voice and length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.domains.audio.columns import AudioColumns
    from explaindistill.domains.audio.domain import AudioDomain
    from explaindistill.domains.audio.showing import ShownSound

__all__ = ["AudioColumns", "AudioDomain", "ShownSound"]

__getattr__ = plugins.lazy(__name__, {"AudioColumns": "columns", "AudioDomain": "domain", "ShownSound": "showing"})
