"""A hook of MkDocs: runs the tutorial notebook, and puts its page and its pictures into the site.

`docs/tutorial.py` is the notebook, in Jupytext's percent format. It is executed in an empty folder, and a cell that
raises, or writes to standard error as a warning does, fails the build. `CGCORE_DOCS_RUN=0 mkdocs serve` leaves the
outputs out, for when you edit other pages.
"""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import jupytext
from jupyter_client.manager import AsyncKernelManager
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient

NAME = "tutorial"
TIMEOUT = 600
"""Seconds that one cell may take."""


class Page(NamedTuple):
    """A page in Markdown, and the pictures that it shows by their file names."""

    text: str
    pictures: dict[str, bytes]


def executed(source: Path) -> Any:
    """The notebook in a percent-format file, with the outputs of its cells.

    Arguments:
        source: the file.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised.
    """
    notebook = jupytext.read(source)
    if os.environ.get("CGCORE_DOCS_RUN") != "0":
        with tempfile.TemporaryDirectory() as work, tempfile.TemporaryDirectory() as sockets:
            manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=f"{sockets}/kernel")
            NotebookClient(notebook, km=manager, timeout=TIMEOUT, resources={"metadata": {"path": work}}).execute(
                cleanup_kc=True
            )
    return notebook


def page_of(notebook: Any) -> Page:
    """A notebook as a page: code and outputs in fenced blocks, pictures in files.

    Arguments:
        notebook: an executed notebook.

    Raises:
        PluginError: a cell wrote to standard error.
    """
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.get("outputs", ()):
            if output.get("name") == "stderr":
                raise PluginError(f"{NAME}.py: a cell wrote to standard error: {output['text']}")
            picture = output.get("data", {}).get("image/png")
            if picture is not None:
                name = f"{NAME}-{len(pictures) + 1}.png"
                pictures[name] = base64.b64decode(picture)
                parts.append(f"![The picture that the cell above drew]({name})")
            elif "text" in output:
                lines = "\n".join(line.rstrip() for line in output["text"].splitlines())
                parts.append(f"```text\n{lines}\n```")
    return Page("\n\n".join(parts) + "\n", pictures)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page `tutorial.md`, the pictures that its cells draw, and the notebook for download.

    Arguments:
        files: those that MkDocs found in `docs/`.
        config: of the site.
    """
    notebook = executed(Path(config.docs_dir) / f"{NAME}.py")
    page = page_of(notebook)
    made = {f"{NAME}.md": page.text, f"{NAME}.ipynb": jupytext.writes(notebook, fmt="ipynb"), **page.pictures}
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files
