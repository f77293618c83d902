"""Faults of one line in cgcore, as in `seeded_fits`: bars on terminals, streams, signals and the ends of programs."""

from __future__ import annotations

from fault_helpers import Edits, Faults, faults_of, uncompiled

from cgcore.cli import failures, interrupts, process, streams, terminal
from cgcore.report import progress, simulation_progress
from cgcore.report.training_progress import TrainingProgress

TERMINALS: Edits = {
    "bars where there is no terminal": (progress, "watching", "if not sys.stderr.isatty():", "if False:"),
    "no bars on a terminal": (progress, "watching", "if not sys.stderr.isatty():", "if sys.stderr.isatty():"),
    "bars that stay": (progress, "watching", "transient=True", "transient=False"),
    "bars among the results": (progress, "watching", "Console(stderr=True)", "Console()"),
    "steps before there are any": (progress, "watching", "visible=False)", "visible=True)"),
    "steps without an end": (progress, "watching", "total=max_steps, visible", "total=None, visible"),
    "steps that stay hidden": (progress, "watching", "visible=True, description", "visible=False, description"),
    "frames still to do": (
        progress,
        "watching",
        "bars.update(frames, completed=done",
        "bars.update(frames, completed=of - done",
    ),
    "frames without a total": (progress, "watching", "completed=done, total=of)", "completed=done)"),
    "a step for a frame": (
        progress,
        "watching",
        "bars.update(\n                steps",
        "bars.update(\n                frames",
    ),
    "a loss of three digits": (progress, "watching", "{loss:.6e}", "{loss:.2e}"),
    "no bar of a simulation": (simulation_progress, "moving", "if not sys.stderr.isatty():", "if True:"),
    "a bar of a simulation without a terminal": (
        simulation_progress,
        "moving",
        "if not sys.stderr.isatty():",
        "if False:",
    ),
    "no replica is lost on the way": (simulation_progress, "moving", "if reached.lost else", "if False else"),
    "none lost, said": (simulation_progress, "moving", "if reached.lost else", "if True else"),
    "time to the end for that done": (
        simulation_progress,
        "moving",
        "completed=reached.time, total",
        "completed=reached.of - reached.time, total",
    ),
    "a time of its own end": (simulation_progress, "moving", "total=reached.of", "total=reached.time"),
    "speed of a second": (
        simulation_progress,
        "moving",
        "{reached.ns_per_day:,.0f}",
        "{reached.ns_per_day / 86400:,.0f}",
    ),
    "the end for the time": (simulation_progress, "moving", "{duration(reached.time)} of", "{duration(reached.of)} of"),
    "bars of a training that redirect its text": (
        TrainingProgress,
        "__init__",
        "redirect_stdout=False",
        "redirect_stdout=True",
    ),
    "bars of a training on standard output": (TrainingProgress, "__init__", "Console(stderr=True)", "Console()"),
    "bars of a training that go on": (TrainingProgress, "__exit__", "self._bars.stop()", "pass"),
    "bars of a fit among the texts": (TrainingProgress, "say", "self._bars.stop()", "pass"),
    "bars that are kept after a text": (TrainingProgress, "say", "self._remove()", "pass"),
    "steps of a fit out of its frames": (TrainingProgress, "_show", "if of is None:", "if False:"),
    "a stage without its compilation": (
        TrainingProgress,
        "begin",
        'self._show(f"{stage}: compiling", 0, epochs)',
        "pass",
    ),
    "bars without an end": (TrainingProgress, "begin", "0, epochs)", "0, None)"),
    "epochs as lines on a terminal": (TrainingProgress, "epoch", "if self._bars is not None:", "if False:"),
    "one epoch less on the bar": (TrainingProgress, "epoch", "epoch, epochs)\n", "epoch - 1, epochs)\n"),
    "the total of the bar before": (TrainingProgress, "_show", "completed=done, total=of)", "completed=done)"),
    "a bar for each epoch": (TrainingProgress, "_show", "if self._task is None:", "if True:"),
    "a bar that is not drawn": (TrainingProgress, "_show", "self._bars.start()", "pass"),
    "loss of a fit in the text of frames": (
        TrainingProgress,
        "fit",
        'self._show("frames", done, of)',
        'self._show("steps", done, of)',
    ),
    "steps of a fit out of frames": (TrainingProgress, "fit", "done, None)", "done, done)"),
    # Ends of the program
    "exit codes of a program that are lost": (process, "run", "ending.code = end.code if", "ending.code = 0 if"),
    "an exit without a code is a failure": (
        process,
        "run",
        "isinstance(end.code, int) else 0",
        "isinstance(end.code, int) else 1",
    ),
    "signals after everything is loaded": (process, "run", "interrupts.install()  #", "pass  #"),
    "streams that do not survive": (process, "run", "streams.install()", "pass"),
    "an end by the interpreter": (process, "run", "atexit.register(ending)", "pass"),
    "an end without the last words": (process._Ending, "__call__", "flush()", "pass"),
    "an end with success": (process._Ending, "__call__", "os._exit(self.code)", "os._exit(0)"),
    # Signals
    "a hangup that is not heeded": (interrupts, "install", "in SIGNALS:", "in SIGNALS[:2]:"),
    "signals that were ignored are heeded": (interrupts, "install", "is not signal.SIG_IGN", "is not None"),
    "signals that end the process at once": (interrupts, "install", "lambda *_: None", "signal.SIG_DFL"),
    "signals that wake nobody": (
        interrupts,
        "install",
        "signal.set_wakeup_fd(writer, warn_on_full_buffer=False)",
        "pass",
    ),
    "a process that waits for its watch": (interrupts, "install", "daemon=True", "daemon=False"),
    "a pipe that blocks a signal": (interrupts, "install", "os.set_blocking(writer, False)", "pass"),
    "the code of no signal": (interrupts, "_watch", "128 + number", "128"),
    "temporary files that stay": (interrupts, "_watch", "withdraw()", "pass"),
    "a hidden cursor": (interrupts, "_watch", "if os.isatty(2) and", "if False and"),
    "a cursor in a file": (interrupts, "_watch", "os.isatty(2) and ", ""),
    "a terminal that is waited for": (interrupts, "_watch", "and select.select([], [2], [], 0)[1]", ""),
    "no patience with files on their way": (interrupts, "withdraw", "remove(PATIENCE)", "remove(0.0)"),
    # Streams
    "nothing written is everything written": (
        streams.Surviving,
        "write",
        "while (count := super().write(data)) is None:",
        "while (count := io.FileIO.write(self, data) or 0) is None:",
    ),
    "closed descriptors for files": (streams, "install", "(0, 1, 2)", "(0,)"),
    "standard output for standard error": (streams, "install", "_surviving(sys.stderr)", "_surviving(sys.stdout)"),
    "the encoding of UTF-8 for a terminal's": (
        streams,
        "_surviving",
        "_text(stream.fileno(), stream.encoding)",
        '_text(stream.fileno(), "utf-8")',
    ),
    "lines that wait": (streams, "_text", "line_buffering=True", "line_buffering=False"),
    "libraries that are heard": (streams, "keep_from_libraries", "os.dup2(nowhere.fileno(), descriptor)", "pass"),
    "libraries' errors for output": (streams, "keep_from_libraries", '("stderr", 2)', '("stderr", 1)'),
    "output for errors": (streams, "keep_from_libraries", "sys.stderr.fileno()", "sys.stdout.fileno()"),
    "words that are said too late": (streams, "keep_from_libraries", "flush()", "pass"),
    "only one stream is flushed": (streams, "flush", "(sys.stdout, sys.stderr)", "(sys.stdout,)"),
    "a traceback in one line": (terminal, "trace", "text.splitlines()", "[text]"),
    "usage of the program for that of a command": (
        failures,
        "sentence",
        "error.ctx.command_path if error.ctx",
        "'cgcore' if error.ctx",
    ),
    "names in bytes": (failures, "sentence", "os.fsdecode(error.filename)", "error.filename"),
}

FAULTS: Faults = uncompiled(faults_of({"terminals": TERMINALS}))
