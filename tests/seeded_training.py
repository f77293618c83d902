"""Faults of one line in cgcore, as in `seeded_fits`: what simulations, trainings and exports say, record and write."""

from __future__ import annotations

import importlib

from fault_helpers import Edits, Faults, faults_of, uncompiled

from cgcore.pipeline import checkpoints, parameters, resumable, resume_settings
from cgcore.pipeline.checkpoints import Checkpoints
from cgcore.simulation import divergence, trajectory, verdict
from cgcore.simulation import run as running
from cgcore.simulation.settings import Settings
from validation.checks import checkpoint_folders, simulation_compared, simulation_judged, training_records

simulate = importlib.import_module("cgcore.simulation.simulate")  # the package has a function of this name

JUDGED: Edits = {
    "a verdict from angles of all replicas": (
        verdict,
        "_verdict",
        "elif many and (value := _outside(tally, k)) > MOST_ANGLES:",
        "elif many and (value := 1.0):",
    ),
    "a verdict from angles of one replica alone": (
        simulation_judged,
        "verdicts",
        "many = angles_outside(tally) > MOST_ANGLES",
        "many = True",
    ),
    "the time of the loss for that of the first angle": (
        verdict,
        "_verdict",
        "settings.at(int(tally.first_outside[k]))",
        "settings.at(int(tally.lost_at[k]))",
    ),
    "the angle of another replica": (
        verdict,
        "_verdict",
        "np.argmax(tally.outside[:, k])",
        "np.argmax(tally.outside[:, 0])",
    ),
    "the longest bond for the worst": (
        verdict,
        "_worst_bond",
        "np.maximum(limits.bond[0] - r, r - limits.bond[1])",
        "r",
    ),
    "all beads are finite": (verdict, "_not_finite", "~np.isfinite(x)", "np.isnan(x)"),
    "frames that go on after a loss": (
        simulation_judged,
        "run",
        "frames[moving, done] = x - x.mean(axis=1, keepdims=True)",
        "frames[moving, done:] = (x - x.mean(axis=1, keepdims=True))[:, None]",
    ),
    "a run that goes on without replicas": (simulation_judged, "run", "and (seen.tally.lost_at < 0).any()", ""),
    "the speed of replicas that are lost, too": (
        running,
        "steps_while_whole",
        "np.where(lost_at < 0, int(state.step), lost_at)",
        "np.full_like(lost_at, int(state.step))",
    ),
    "progress of replicas that are whole": (simulation_judged, "run", "int(np.sum(~moving))", "int(np.sum(moving))"),
    "the temperature of lost replicas": (simulate, "_result", "looked = sound  #", "pass  #"),
    "the temperature of replicas that were never seen": (
        simulate,
        "_result",
        "looked = tally.looks > 0",
        "looked = tally.looks >= 0",
    ),
    "no note about lost replicas": (simulate, "_result", "if lost:", "if lost > 1:"),
    "a note that takes the place of another": (simulate, "_result", "notes += (f", "notes = (f"),
}

COMPARED: Edits = {
    "replicas that are one block": (simulate, "_blocks", "-(-BLOCKS // max(len(own), 1))", "1"),
    "blocks without frames": (simulate, "_blocks", " if len(part)]", "]"),
    "frames of the start, compared": (simulate, "_observables", "int(EQUILIBRATION * frames.shape[1]) :", "0 :"),
    "observables of longer chains": (
        simulate,
        "_observables",
        "compared.beads >= kind.beads",
        "compared.beads > kind.beads",
    ),
    "no error for one block of data": (
        simulation_compared,
        "compare",
        "several = max(len(c) for c in counts) > 1",
        "several = min(len(c) for c in counts) > 1",
    ),
    "halves of the run": (simulation_compared, "compare", "_floor(counts[0], rng)", "_floor(counts[1], rng)"),
    "bins of the first block": (
        divergence,
        "_edges",
        "found = [of_frames(name, R) for R in data]",
        "found = [of_frames(name, R) for R in data[:1]]",
    ),
    "frames that are always a picosecond apart": (
        simulation_compared,
        "usual_interval",
        "min(max(1.0, time / FRAMES), time)",
        "min(1.0, time)",
    ),
    "picoseconds without a unit": (simulation_compared, "picoseconds", 'found[2] or "ns"', 'found[2] or "ps"'),
    "memory of one replica": (Settings, "require_memory", "self.replicas * self.frames * beads", "self.frames * beads"),
    "steps that are too long": (
        simulate,
        "_engine_of",
        "if settings.timestep >= longest:",
        "if settings.timestep >= 2 * longest:",
    ),
    "models of longer chains": (
        simulate,
        "_engine_of",
        "if own.N_max != compared.beads:",
        "if own.N_max < compared.beads:",
    ),
    "trajectories of lost replicas": (
        simulation_compared,
        "write_trajectory",
        "np.isfinite(result.frames).all(axis=(2, 3))",
        "np.isfinite(result.frames).all(axis=(1, 2, 3))[:, None] & np.ones(result.frames.shape[1], bool)",
    ),
    "the first frames of many": (
        simulation_compared,
        "write_trajectory",
        "places[:: -(-len(places) // MOST_MODELS) or 1]",
        "places[:MOST_MODELS]",
    ),
    "times at the start of frames": (trajectory, "_lines", "(frame + 1) * result", "frame * result"),
    "the last bond left out": (trajectory, "_lines", "range(1, len(names))", "range(1, len(names) - 1)"),
    "longer chains than the format": (
        simulation_compared,
        "write_trajectory",
        "if result.origin.beads > MOST_BEADS:",
        "if False:",
    ),
    "any ending": (trajectory, "check_trajectory", ".lower() != SUFFIX", ".lower() == ''"),
    "resuming nothing": (simulate, "simulate", "if resume and folder is None:", "if False:"),
}

RECORDS: Edits = {
    "the number of frames for the frames": (
        training_records,
        "identity",
        "loader.dataset.frame_ranges()",
        "loader.n_frames",
    ),
    "numbers that are not finite, as they are": (resumable, "_encoded", "return repr(value) if", "return value if"),
    "infinity without its sign": (resumable, "_decoded", "return float(value) if", "return abs(float(value)) if"),
    "the first of many losses": (resumable, "_decoded", "for item in value)", "for item in value[:1])"),
    "no results of the fit": (resumable, "read_record", "np.asarray(value, np.float64)", "value"),
    "seconds that stay a table": (resumable, "read_record", 'if "seconds" in result:', "if False:"),
    "another model": (training_records, "restore", '("model", "another model"), ', ""),
    "another precision": (training_records, "restore", ', ("precision", "another precision")', ""),
    "the arrays of no stage": (training_records, "restore", "like(said.stage)", "like(None)"),
    "changes of the last resumption alone": (
        training_records,
        "restore",
        "[*changes.get(stage, []), change]",
        "[change]",
    ),
    "no changes": (
        training_records,
        "restore",
        "Restored(state, record.results, changes, record.fit)",
        "Restored(state, record.results, record.changes, record.fit)",
    ),
    "no record of the fit": (training_records, "restore", "changes, record.fit)", "changes, None)"),
    "stages that are not planned": (
        training_records,
        "restore",
        "if said.stage is not None and stages.get(said.stage) is None:",
        "if False:",
    ),
    "fewer epochs than are done": (
        training_records,
        "require_same_settings",
        "if is_now >= epochs:",
        "if is_now >= 0:",
    ),
    "as many epochs as are done, refused": (
        training_records,
        "require_same_settings",
        "if is_now >= epochs:",
        "if is_now > epochs:",
    ),
    "epochs of finished stages": (
        training_records,
        "require_same_settings",
        "and not set(stages) & set(progress.finished) ",
        "",
    ),
    "epochs done of any stage": (
        training_records,
        "require_same_settings",
        "progress.epoch if progress.stage in stages else 0",
        "progress.epoch",
    ),
    "settings that are new": (training_records, "require_same_settings", "sorted({*before, *now})", "sorted(before)"),
    "the second stage for the first": (
        resume_settings,
        "_stages_of",
        "int(found['index']) + 1",
        "int(found['index']) + 2",
    ),
    "the first stage of an optimizer": (resume_settings, "_stages_of", '("stage1", "stage2")', '("stage1",)'),
    "the energy's factor": (
        training_records,
        "settings_that_matter",
        "for name, value in asdict(training.gammas).items()",
        "for name, value in [*asdict(training.gammas).items()][:1]",
    ),
    "epochs of all optimizers": (training_records, "settings_that_matter", ' if not name.startswith("epochs_")', ""),
    "the first stage's optimizer alone": (
        training_records,
        "settings_that_matter",
        "for name in used:",
        "for name in [*used][:1]:",
    ),
    "what stages train": (
        training_records,
        "settings_that_matter",
        '"model.train_priors": settings.model.train_priors',
        '"model.train_priors": True',
    ),
    "any prior": (training_records, "settings_that_matter", "if prior is not None:", "if False:"),
    "keys of theirs": (parameters, "_difference", "[*mine, *(key for key in theirs if key not in mine)]", "mine"),
    "differences inside": (parameters, "_difference", 'f"{at}.{key}" if at else str(key)', "str(key)"),
    "here for there": (training_records, "require_same", "part, here, there = found", "part, there, here = found"),
    "texts that are cut early": (parameters, "_short", "<= 60", "<= 57"),
}

FOLDERS: Edits = {
    "new checkpoints beside those that are resumed from": (
        checkpoint_folders,
        "opened",
        "folder = folder if auto or resume is None else resume",
        "folder = folder or resume",
    ),
    "auto without checkpoints is refused": (
        checkpoint_folders,
        "opened",
        "if resume is not None and not auto and found is None:",
        "if resume is not None and found is None:",
    ),
    "checkpoints that are added to": (
        checkpoint_folders,
        "opened",
        "if found is not None and resume is None:",
        "if False:",
    ),
    "a folder that is made to resume from": (
        checkpoint_folders,
        "opened",
        "if resume is not None and not auto and not os.path.isdir(folder):",
        "if False:",
    ),
    "resuming without a folder": (checkpoint_folders, "opened", "if folder is None and auto:", "if False:"),
    "files for checkpoints": (checkpoint_folders, "holds_checkpoints", " and entry.is_dir()", ""),
    "folders of any name": (checkpoint_folders, "holds_checkpoints", "entry.name.isdigit()", "entry.name"),
    "folders within a folder": (checkpoint_folders, "next_free", "folder.rstrip(os.sep)", "folder"),
    "folders from the third": (checkpoint_folders, "next_free", "itertools.count(2)", "itertools.count(4)"),
    "the oldest checkpoint": (Checkpoints, "latest", "steps[-1], _orbax().args", "steps[0], _orbax().args"),
    "empty arrays that are lost": (Checkpoints, "latest", "Checkpoint(like | {", "Checkpoint({"),
    "the checkpoint before, unnamed": (checkpoints, "damaged", "if previous is not None:", "if False:"),
    "Ctrl-C that is lost": (checkpoints, "_uninterrupted", "if met and callable(before):", "if False:"),
    "Ctrl-C that is not delayed": (
        checkpoints,
        "_uninterrupted",
        "met.append((number, frame))",
        "before(number, frame)",
    ),
    "a handler that is not put back": (checkpoints, "_uninterrupted", "signal.signal(signal.SIGINT, before)", "pass"),
}


FAULTS: Faults = uncompiled(
    faults_of(
        {
            "simulation-judged": JUDGED,
            "simulation-compared": COMPARED,
            "training-records": RECORDS,
            "checkpoint-folders": FOLDERS,
        }
    )
)
