"""Faults of one line in cgcore, as in `seeded_fits`: what holds within a solve, and what several processes share."""

from __future__ import annotations

from fault_helpers import Edits, Faults, faults_of, uncompiled

from cgcore import compiling, processes, threads, timing, x64
from cgcore.compiling import QuicklyCompiled
from cgcore.pipeline import resumable
from cgcore.simulation import run

CONTEXTS: Edits = {
    "all that JAX reports is compilation": (timing, "timed", "if event in _EVENTS:", "if event:"),
    "the last duration of a compilation": (
        timing,
        "timed",
        "seconds.compile += duration_secs",
        "seconds.compile = duration_secs",
    ),
    "compilations after the block": (
        timing,
        "timed",
        "jax.monitoring.unregister_event_duration_listener(listen)",
        "pass",
    ),
    "more compilation than time": (timing, "timed", "min(seconds.compile, elapsed)", "seconds.compile"),
    "run time with the compilation": (timing, "timed", "elapsed - seconds.compile", "elapsed"),
    "no times of a block that fails": (timing, "timed", "finally:", "except GeneratorExit:\n        raise\n    else:"),
    "two threads of BLAS": (threads, "one_blas_thread", "limits=1", "limits=2"),
    "one thread of OpenMP, too": (threads, "one_blas_thread", ', user_api="blas"', ""),
    "the limit of the block that began first": (threads, "one_blas_thread", ".pop()", ".pop(0)"),
    "one thread of BLAS after a failure": (
        threads,
        "one_blas_thread",
        "finally:",
        "except GeneratorExit:\n        raise\n    else:",
    ),
    "cores of the machine for those of the process": (
        threads,
        "cores",
        "len(os.sched_getaffinity(0))",
        "os.cpu_count()",
    ),
    "no cores where the system counts none": (threads, "cores", "os.cpu_count() or 1", "os.cpu_count()"),
    "a thread for each core": (threads, "batch_threads", "1 + cores()", "cores()"),
    "every solve in float64": (x64, "solving", 'precision == "float64"', "True"),
    "every solve in the session's precision": (
        x64,
        "solving",
        'jax.enable_x64(precision == "float64")',
        "jax.enable_x64(jax.config.jax_enable_x64)",
    ),
    "the precision of the last solve for the session": (
        x64,
        "solving",
        'with jax.enable_x64(precision == "float64"):\n        yield',
        'jax.config.update("jax_enable_x64", precision == "float64")\n    yield',
    ),
    "any precision of a session": (x64, "solving", "precision not in get_args(Precision)", "not precision"),
    "solves in compiled functions": (x64, "solving", "isinstance(jnp.zeros(()), jax.core.Tracer)", "False"),
    "integers of a start, refused": (x64, "as_floating", "or jnp.issubdtype(array.dtype, jnp.integer)", ""),
    "truth values as numbers": (
        x64,
        "as_floating",
        "jnp.issubdtype(array.dtype, jnp.floating) or",
        "array.dtype == bool or jnp.issubdtype(array.dtype, jnp.floating) or",
    ),
    "floats of NumPy alone": (
        x64,
        "as_floating",
        "jnp.issubdtype(array.dtype, jnp.floating)",
        "np.issubdtype(array.dtype, np.floating)",
    ),
    "numbers of a start in their own precision": (
        x64,
        "as_floating",
        "return array.astype(precision)",
        "return array.astype(np.result_type(array, np.float32))",
    ),
    "a start without numbers": (x64, "as_floating", "if not leaves:", "if leaves is None:"),
    "all of what is no number, quoted": (x64, "as_floating", "{leaf!r:.40}", "{leaf!r}"),
    "options of a CPU on other devices": (QuicklyCompiled, "__call__", "and _understood()", "or _understood()"),
    "options on all but CPUs": (QuicklyCompiled, "__call__", '== "cpu"', '!= "cpu"'),
    "options that XLA does not know": (compiling, "_understood", "return False", "return True"),
    "programs with options alone": (QuicklyCompiled, "_cache_size", "(self._plain, self._quick)", "(self._quick,)"),
    "no options for programs that need none": (QuicklyCompiled, "__init__", ", compiler_options=QUICKLY", ""),
    "a function without its name": (QuicklyCompiled, "__init__", "update_wrapper(self, function)", "pass"),
}

AGREEMENT: Edits = {
    "every process's own tree": (processes, "of_first", "jax.process_count() == 1", "True"),
    "arrays of a tree in the order of their names": (
        processes,
        "of_first",
        "[found[str(k)] for k in range(len(leaves))]",
        "[found[k] for k in sorted(found)]",
    ),
    "arrays of each process's own": (processes, "arrays_of_first", "if is_first():", "if True:"),
    "bytes as many as process 0 has, and one more": (
        processes,
        "arrays_of_first",
        "np.zeros(size, np.uint8)",
        "np.zeros(size + 1, np.uint8)",
    ),
    "bytes of another type": (processes, "arrays_of_first", "np.zeros(size, np.uint8)", "np.zeros(size)"),
    "the second process writes files": (processes, "is_first", "jax.process_index() == 0", "jax.process_index() == 1"),
    "texts that agree with the last": (processes, "require_agreement", "digests[0]", "digests[-1]"),
    "texts whose digests differ in every byte": (processes, "require_agreement", ".any(axis=1)", ".all(axis=1)"),
    "the last process that differs": (processes, "require_agreement", "others[0]", "others[-1]"),
    "texts compared by their beginnings": (processes, "require_agreement", "said()", "said()[:99]"),
    "texts compared by their lengths": (processes, "require_agreement", "said()", "str(len(said()))"),
    "a single process must agree": (processes, "require_agreement", "jax.process_count() == 1", "False"),
    "arrays of others on own devices": (processes, "placed", "if sharding.is_fully_addressable:", "if sharding:"),
    "arrays that are placed again": (processes, "placed", "leaf.sharding == sharding", "leaf is None"),
    "only the first of an array's shape": (
        processes,
        "placed",
        "(values.shape, sharding",
        "(values.shape[:1], sharding",
    ),
    "arrays of processes in a stack": (processes, "whole", ", tiled=True", ""),
    "what all hold is gathered": (
        processes,
        "whole",
        "(leaf.is_fully_addressable or leaf.is_fully_replicated)",
        "leaf.is_fully_addressable",
    ),
    "a single process's arrays as they are": (processes, "whole", "return np.asarray(leaf)\n\n", "return leaf\n\n"),
    "checkpoints that each process writes": (resumable, "opened", "or not is_first()", ""),
    "a checkpoint for the first process alone": (
        resumable,
        "_of_first",
        "jax.process_count() == 1",
        "jax.process_count()",
    ),
    "names of arrays as they are sent": (resumable, "_of_first", 'k.removeprefix("arrays/")', "k"),
    "no checkpoint is an empty one": (resumable, "_of_first", "None if record is None else", "None if False else"),
    "each process reads its own file": (run, "_of_first", "if is_first() else None", ""),
    "a simulation from the start": (run, "_of_first", "like if saved is None else saved.state", "like"),
    "time of a simulation that is lost": (run, "_of_first", 'float(rest["seconds"])', "0.0"),
}

FAULTS: Faults = uncompiled(faults_of({"contexts": CONTEXTS, "agreement": AGREEMENT}))
