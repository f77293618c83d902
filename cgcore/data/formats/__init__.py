"""Readers of frames in the common file formats; each returns a list of `Source`."""

from __future__ import annotations

from cgcore.data.formats.opened import Source
from cgcore.data.formats.table import FORMATS, files_of, format_of, open_sources, unique_sets

__all__ = ["FORMATS", "Source", "files_of", "format_of", "open_sources", "unique_sets"]
