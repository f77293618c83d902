"""Faults of one line in cgcore, as in `seeded_fits`: commands that end, settings of commands, and what is said."""

from __future__ import annotations

from fault_helpers import Faults, edited

import cgcore.cli as command_line
from cgcore.cli import (
    execution,
    failures,
    fit,
    inputs,
    models,
    options,
    setup,
    streams,
    targets,
    terminal,
    together,
    train,
)

FAULTS: Faults = {
    # Ends of commands, and streams
    "an interruption is bad input": (
        "command-line",
        edited(command_line, "main", "code = INTERRUPTED", "code = BAD_INPUT"),
    ),
    "exit codes of a command are dropped": (
        "command-line",
        edited(command_line, "_run", "code = end.code if isinstance(end.code, int) else 0", "code = 0"),
    ),
    "lost output beside files is a failure": (
        "command-line",
        edited(command_line, "_run", "if not terminal.has_results():", "if True:"),
    ),
    "output of an earlier command is lost": (
        "command-line",
        edited(terminal, "begin", "_error, _results = None, False", "_results = False"),
    ),
    "files of an earlier command are results": (
        "command-line",
        edited(terminal, "begin", "_error, _results = None, False", "_error = None"),
    ),
    "a reader that leaves loses output": (
        "command-line",
        edited(terminal, "lost", "error.errno in _NO_LOSS", "False"),
    ),
    "control characters reach the terminal": ("command-line", edited(terminal, "note", "_one_line(text)", "text")),
    "tracebacks wherever debugging is named": (
        "command-line",
        edited(failures, "explain", "sys.argv[1:2]", "sys.argv[1:]"),
    ),
    "errors without an explanation by the system": (
        "command-line",
        edited(failures, "sentence", "isinstance(error, OSError) and error.strerror", "isinstance(error, OSError)"),
    ),
    "a long message in full": ("command-line", edited(failures, "sentence", "{said[:_LONGEST]}...", "{said}...")),
    "an error of the disk without its file": (
        "command-line",
        edited(failures, "sentence", 'if isinstance(error.filename, str | bytes) else ""', 'if False else ""'),
    ),
    "characters that the terminal lacks are dropped": (
        "command-line",
        edited(streams, "_text", '"backslashreplace"', '"ignore"'),
    ),
    "warnings of others are cgcore's": (
        "command-line",
        edited(options, "warnings_said", "issubclass(warning.category, InputWarning)", "True"),
    ),
    "parts are kept that are not there": ("command-line", edited(execution, "_note_kept", "if have:", "if True:")),
    "programs are kept unasked": ("command-line", edited(setup, "prepare_jax", "if cache:", "if True:")),
    "other processes keep programs elsewhere": (
        "command-line",
        edited(setup, "cache_environment", "name.upper()", "name"),
    ),
    # Settings of commands
    "a process beyond the last one": (
        "command-settings",
        edited(together.Company, "require_meaning", "0 <= self.process < (", "0 <= self.process <= ("),
    ),
    "port 0": (
        "command-settings",
        edited(together.Company, "require_meaning", "0 < int(found[2])", "0 <= int(found[2])"),
    ),
    "a number of processes alone": (
        "command-settings",
        edited(
            together.Company,
            "require_meaning",
            "self.processes is not None or self.process is not None",
            "self.processes is not None and self.process is not None",
        ),
    ),
    "a truncation beside the file's smoothness": (
        "command-settings",
        edited(fit, "options_of", 'if "truncation" in given or "smoothness" in given:', "if False:"),
    ),
    "the file before the command line": (
        "command-settings",
        edited(fit, "options_of", "merged |= given", "merged = given | merged"),
    ),
    "settings that are 0 are absent": (
        "command-settings",
        edited(options, "given", "if value is not None", "if value"),
    ),
    "the first value of a scan": (
        "command-settings",
        edited(fit, "_scanned", 'in values.split(",")]', 'in values.split(",")[:1]]'),
    ),
    "only the first input is kept": (
        "command-settings",
        edited(inputs, "refuse_input_as_output", "in inputs:", "in inputs[:1]:"),
    ),
    "a picture that nobody asked for in place of the one asked for": (
        "command-settings",
        edited(targets, "check_targets", "elif output is not None:", "if output is not None:"),
    ),
    "the picture's file is not checked": (
        "command-settings",
        edited(targets, "check_targets", "(plot_file, *others)", "others"),
    ),
    "a model without room for a bead": (
        "command-settings",
        edited(models, "_trained", "most < beads", "most < beads - 1"),
    ),
    "a prior that is switched off": (
        "command-settings",
        edited(models, "prior_file", "not config.use_priors", "config.prior is None"),
    ),
    "a folder without a model": (
        "command-settings",
        edited(models, "params_file", "not os.path.isfile(path / PARAMS)", "False"),
    ),
    "the file's folder before the one to resume from": (
        "command-settings",
        edited(train, "_with_checkpoints", "resume or said.training.resume", "said.training.resume or resume"),
    ),
    "new checkpoints among the old ones": (
        "command-settings",
        edited(train, "_with_checkpoints", "folder = next_free(named)", "folder = named"),
    ),
    "a training that resumes in another folder": (
        "command-settings",
        edited(train, "_with_checkpoints", "if resume is None and said.dialect", "if said.dialect"),
    ),
    "a folder of checkpoints for that of its run": (
        "command-settings",
        edited(train, "_with_checkpoints", "resume = str(Path(resume) / CHECKPOINTS)", "pass"),
    ),
}
