"""Faults of one line in cgcore, as in `seeded_fits`: commands that end, settings of commands, and what is said."""

from __future__ import annotations

from fault_helpers import Faults, edited

import cgcore.cli as command_line
from cgcore.cli import check as checking
from cgcore.cli import (
    convert,
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
from cgcore.cli import map as mapping
from cgcore.report import (
    evaluation_text,
    inspection,
    simulation_record,
    simulation_text,
    training_text,
)
from cgcore.report.progress import Together
from cgcore.report.training_progress import TrainingProgress
from validation.reports import words_of_data, words_of_runs

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
    # Texts
    "lines with spaces at their ends": ("texts", edited(words_of_runs, "table", "line.rstrip() for", "line for")),
    "text in brackets is a style": ("texts", edited(words_of_runs, "table", "markup=False", "markup=True")),
    "all replicas are lost": (
        "texts",
        edited(simulation_text, "_verdict", "if replica.status != 0", ""),
    ),
    "a limit of pairs where there is none": (
        "texts",
        edited(simulation_text, "report", "if limits.closest > 0:", "if True:"),
    ),
    "angles of a chain of two beads": (
        "texts",
        edited(simulation_text, "_verdict", "result.origin.beads > 2", "result.origin.beads > 1"),
    ),
    "no angles in a chain of three beads": (
        "texts",
        edited(simulation_text, "report", "result.origin.beads > 2", "result.origin.beads > 3"),
    ),
    "ten replicas that are lost, and none more": (
        "texts",
        edited(simulation_text, "_verdict", "len(lost) > MOST", "len(lost) >= MOST"),
    ),
    "notes of a simulation, left out": (
        "texts",
        edited(simulation_text, "report", ', *(f"Note: {note}" for note in result.notes)', ""),
    ),
    "a nanosecond in picoseconds": ("texts", edited(simulation_text, "duration", "time >= 1000", "time > 1000")),
    "closest pairs of the data for the limit": (
        "texts",
        edited(
            simulation_record,
            "record",
            '"closest": result.limits.closest,',
            '"closest": result.limits.closest_sampled,',
        ),
    ),
    "two devices are one": ("texts", edited(training_text, "opening", "devices == 1", "devices <= 2")),
    "skipped stages, left out": (
        "texts",
        edited(training_text, "closing", 'if "skipped" in r]', "if False]"),
    ),
    "stages that ended early, left out": (
        "texts",
        edited(training_text, "closing", 'if not r.get("finite", True)', "if False"),
    ),
    "the last epoch without a line": (
        "texts",
        edited(TrainingProgress, "epoch", "epoch in (1, epochs)", "epoch == 1"),
    ),
    "every tenth epoch": (
        "texts",
        edited(TrainingProgress, "epoch", "epoch % max(epochs // LINES, 1)", "epoch % LINES"),
    ),
    "frames done by the last data set alone": (
        "texts",
        edited(Together, "of", "sum(list(self._done.values()))", "done"),
    ),
    "a table of a single protein": (
        "texts",
        edited(evaluation_text, "_proteins", "len(proteins) < 2", "len(proteins) < 1"),
    ),
    "proteins that are not counted": (
        "texts",
        edited(evaluation_text, "_proteins", "len(proteins) - MOST_PROTEINS", "0"),
    ),
    "beads of a long chain, one by one": (
        "texts",
        edited(evaluation_text, "_residues", "> MOST_RESIDUES", "> 1000"),
    ),
    "long bonds are usual": ("texts", edited(inspection, "_units", "low <= bond <= high", "low <= bond")),
    "small forces are usual": ("texts", edited(inspection, "_units", "force < USUAL_FORCE[0]", "False")),
    "species without their names": ("texts", edited(inspection, "_species", "called.get(k, k)", "k")),
    "more files than are listed": ("texts", edited(inspection, "_several", "len(rows) > MOST", "False")),
    "bonds below the histogram": (
        "texts",
        edited(inspection, "_coordinates", 'found.ranges["bond"].least < low or', ""),
    ),
    "chains without breaks are several": (
        "texts",
        edited(inspection, "_coordinates", "if found.breaks", "if True"),
    ),
    "warnings are a reason to refuse": (
        "texts",
        edited(inspection, "_findings", "if found.judgement.wrong:", "if found.judgement.findings:"),
    ),
    "lines in full": ("texts", edited(inspection, "_wrapped", "len(line) <= WIDTH", "True")),
    "lowest bars are blank": ("texts", edited(inspection, "bars", "np.ceil(", "np.floor(")),
    "outside forces act on all": (
        "texts",
        edited(inspection, "_net", "found.real_beads / found.frames", "found.beads / found.frames"),
    ),
    "wrong data are not refused, recorded": (
        "texts",
        edited(words_of_data, "inspection_record", "bool(judged.wrong)", "not judged.wrong"),
    ),
    # Texts of commands
    "frames for beads": ("texts", edited(convert, "_sources", "int(frames.lengths.max())", "frames.n_frames")),
    "maps that are not written": (
        "texts",
        edited(mapping, "_maps", "one.name == made.chosen", "one.name != made.chosen"),
    ),
    "noise on all frames for that held out": (
        "texts",
        edited(mapping, "_maps", "{one.held_out:.4f}", "{one.noise:.4f}"),
    ),
    "no rigid distances": ("texts", edited(mapping, "_maps", "if made.rigid", "if not made.rigid")),
    "frames in memory are not sent": (
        "texts",
        edited(execution, "notes_of_sources", "isinstance(source.store.R, np.ndarray) or", "False and"),
    ),
    "numbers of neighbours that are near": ("texts", edited(checking, "_say_of_data", "is not None:", "is None:")),
}
