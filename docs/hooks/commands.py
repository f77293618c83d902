"""A hook of MkDocs: the page `cli.md`, made of what click knows of every command and option."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from cgcore.cli.commands import cli

INTRODUCTION = """\
# Command line

Every command with all of its options, generated from the program itself. `cgcore COMMAND --help` prints the same.
"""


def reference() -> str:
    """The page, in Markdown."""
    root = click.Context(cli, info_name="cgcore")
    lines = [INTRODUCTION, *_section(cli, root)]
    for name in cli.list_commands(root):
        command = cli.commands[name]
        lines += _section(command, click.Context(command, parent=root, info_name=name))
    return "\n".join(lines)


def _section(command: click.Command, context: click.Context) -> Iterator[str]:
    """Heading, description, usage and options of a command."""
    yield f"## `{context.command_path}`\n"
    yield f"{inspect.cleandoc(command.help or '')}\n"
    usage = command.get_usage(context).removeprefix("Usage: ")
    yield f"```text\n{usage}\n```\n"
    yield "| Option | Meaning |"
    yield "|---|---|"
    for parameter in command.get_params(context):
        if (record := parameter.get_help_record(context)) is not None:
            option, meaning = (re.sub(r"\s+", " ", cell).replace("|", "\\|") for cell in record)
            yield f"| `{option}` | {meaning} |"
    yield ""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page.

    Arguments:
        files: those that MkDocs found in `docs/`.
        config: of the site.
    """
    files.append(File.generated(config, "cli.md", content=reference()))
    return files
