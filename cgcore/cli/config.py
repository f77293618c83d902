"""`cgcore config`: the reference of configuration files."""

from __future__ import annotations

import click

from cgcore.errors import InputError


@click.command("config")
@click.option(
    "--reference", "form", flag_value="reference", help="Print every key with its values and default, in Markdown."
)
@click.option(
    "--schema", "form", flag_value="schema", help="Print a JSON schema, with which editors complete and check files."
)
def config_command(form: str | None) -> None:
    """Print the reference of all configuration keys."""
    if form is None:
        raise InputError("give --reference or --schema, which says what to print")
    from cgcore.cli import terminal
    from cgcore.config import json_schema, key_reference

    terminal.say(key_reference() if form == "reference" else json_schema(), newline=False)
