"""A hook of MkDocs: pages whose text stands elsewhere in the repository."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGES = {
    "benchmarks.md": "benchmarks/README.md",
    "study-results.md": "benchmarks/study.md",
    "study/scores.svg": "benchmarks/study/scores.svg",
    "study/distributions.svg": "benchmarks/study/distributions.svg",
    "pretraining.md": "benchmarks/pretraining.md",
    "pretraining.svg": "benchmarks/pretraining.svg",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
"""Where each file of the site comes from, relative to the repository."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add these pages.

    Arguments:
        files: those that MkDocs found in `docs/`.
        config: of the site.
    """
    root = Path(config.docs_dir).parent
    for name, source in PAGES.items():
        files.append(File.generated(config, name, abs_src_path=str(root / source)))
    return files
