"""The blocks `training` and `data`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal

from cgcore.config.keys import MOST_STEPS, Flag, Number, Text, Whole, block, key
from cgcore.config.names import own_block
from cgcore.config.optimizers import OptimizerName
from cgcore.config.paths import named_path
from cgcore.config.reading import Reading

OptimizerChoice = Literal[OptimizerName, "none"]
Precision = Literal["float32", "float64"]
Stage = tuple[OptimizerName, int]
"""An optimizer and its number of epochs."""

AUTO = "auto"
"""Instead of a folder to resume from: resume if there is a checkpoint, else start from the beginning."""

MOST_EPOCHS = 1_000_000
"""Largest number of epochs; the losses of every epoch are kept in memory."""

Epochs = Annotated[
    Whole,
    key("Number of epochs of a stage with this optimizer; 0 skips the stage.", unit="epochs", ge=0, le=MOST_EPOCHS),
]


@block("training.gammas")
class Gammas:
    """Weights of the parts of a stage's loss."""

    F: Annotated[Number, key("Weight of the force loss.", ge=0)] = 1.0
    U: Annotated[Number, key("Weight of the energy loss, which is per frame.", ge=0)] = 0.0


@block("training.stages[]")
class StageKeys:
    """A stage in the list `stages`."""

    optimizer: Annotated[OptimizerChoice, key("Optimizer of the stage; none skips the stage.")]
    epochs: Annotated[Whole, key("Number of epochs; 0 skips the stage.", unit="epochs", ge=0, le=MOST_EPOCHS)] = 0


@block("training")
class TrainingSettings:
    """How the prior is fitted, and what the stages of training do."""

    pretrain_prior: Annotated[
        Flag,
        key(
            "Fit the prior before the stages.",
            fit=True,
            theirs=False,
            differs=(
                "L-BFGS until tol_grad or max_steps is met",
                "the exact minimum, smooth, within pretrain_prior_constraints",
            ),
        ),
    ] = True
    pretrain_prior_max_steps: Annotated[
        Whole | None, key("Maximum number of L-BFGS steps of the fit.", fit=True, ge=1, le=1_000_000, default="200")
    ] = None
    pretrain_prior_min_steps: Annotated[
        Whole | None,
        key(
            "Minimum number of L-BFGS steps of the fit.",
            fit=True,
            ge=0,
            le=1_000_000,
            default="0, or 10 without whitening",
        ),
    ] = None
    pretrain_prior_tol_grad: Annotated[
        Number | None, key("Gradient norm below which the fit stops.", fit=True, ge=0, default="1e-6")
    ] = None
    pretrain_prior_constraints: Annotated[
        Literal["safe", "nonnegative", "none"] | None,
        key("Constraints on the fitted parameters.", fit=True, default="the fit's own"),
    ] = None
    pretrain_prior_smoothness: Annotated[
        Annotated[Number, key("", gt=0, le=1e6)] | Literal["auto"] | None,
        key("Strength of the penalty on rough potentials.", fit=True, default="the fit's own"),
    ] = None
    pretrain_prior_truncation: Annotated[
        Annotated[Number, key("", ge=0, lt=1)] | Literal["auto"] | None,
        key("Smallest relative singular value of a direction that is fitted.", fit=True, default="the fit's own"),
    ] = None
    temperature: Annotated[
        Number | None, key("Temperature at which the data were simulated.", unit="K", fit=True, gt=0, le=1e5)
    ] = None
    val_fraction: Annotated[
        Number, key("Fraction of the frames that is held out; `hold_out` says which ones.", fit=True, ge=0, lt=1)
    ] = 0.1
    hold_out: Annotated[
        Literal["last_rows", "each_protein"],
        key(
            "Which frames are held out.",
            fit=True,
            theirs="last_rows",
            own=True,
            says={
                "last_rows": "the last rows of all; random ones where max_frames cuts",
                "each_protein": "the last rows of each protein",
            },
        ),
    ] = "each_protein"
    stages: Annotated[
        tuple[StageKeys, ...] | None,
        key("Optimizer and epochs of each stage; replaces the keys of the two stages below.", default="two stages",
            min_length=1, max_length=20, what="a list of blocks such as {optimizer: adam, epochs: 10}"),
    ] = None  # fmt: skip
    stage1_optimizer: Annotated[OptimizerChoice | None, key("Optimizer of stage 1; none or null skips the stage.")] = (
        "adabelief"
    )
    stage2_optimizer: Annotated[OptimizerChoice | None, key("Optimizer of stage 2; none or null skips the stage.")] = (
        "yogi"
    )
    epochs_adabelief: Epochs = 100
    epochs_yogi: Epochs = 100
    epochs_adam: Epochs = 100
    epochs_lion: Epochs = 100
    epochs_sgd_nesterov: Epochs = 100
    epochs_polyak_sgd: Epochs = 100
    epochs_fromage: Epochs = 100
    batch_per_device: Annotated[
        Whole,
        key(
            "Number of frames in a minibatch on each device.",
            unit="frames",
            theirs=4,
            ge=1,
            le=65_536,
        ),
    ] = 8
    partial_batches: Annotated[
        Literal["dropped", "kept"],
        key(
            "What happens to frames that do not fill the last minibatch of an epoch.",
            theirs="dropped",
            own=True,
            says={
                "dropped": "left out, in each epoch others",
                "kept": "in a smaller minibatch",
            },
        ),
    ] = "kept"
    force_loss_normalization: Annotated[
        Literal["legacy_mean", "valid_components", "per_structure_components", "per_bead"],
        key(
            "Normalisation of the force loss that a stage minimises.",
            theirs="legacy_mean",
            says={
                "legacy_mean": "over frames x N_max x 3, padding included",
                "valid_components": "over the components of real beads",
                "per_structure_components": "over frames, of means over their real components",
                "per_bead": "over real beads, as the prior's fit",
            },
        ),
    ] = "per_bead"
    gammas: Annotated[Gammas, key("Weights of the parts of a stage's loss.")] = field(default_factory=Gammas)
    keep: Annotated[
        Literal["best", "last"],
        key(
            "Parameters with which a stage ends.",
            theirs="last",
            own=True,
            says={
                "last": "those of its last epoch",
                "best": "those of the lowest held-out loss",
            },
        ),
    ] = "best"
    precision: Annotated[
        Precision, key("Floating-point precision of the stages; float64 is meant for tests and small systems.")
    ] = "float32"
    checkpoint_path: Annotated[
        Text | None, key("Folder of checkpoints.", what="a path", default="`checkpoints` in the output folder")
    ] = None
    resume: Annotated[
        Text | None,
        key(
            "Continue from the newest checkpoint; auto: the newest in `checkpoint_path`, if there is one; or a folder "
            "of checkpoints.",
            what="auto or a path", default="start anew",
        ),
    ] = None  # fmt: skip
    checkpoint_freq: Annotated[
        Whole,
        key(
            "Number of epochs between checkpoints; 0: only at the end of a stage.", unit="epochs", ge=0, le=MOST_EPOCHS
        ),
    ] = 0
    seed: Annotated[
        Whole,
        key(
            "Seed of the network's initial parameters, of minibatches, and of frames drawn at random.",
            fit=True,
            elsewhere=("seed",),
            theirs=42,
            ge=0,
            le=MOST_STEPS,
        ),
    ] = 0

    @property
    def plan(self) -> dict[str, Stage | None]:
        """Optimizer and epochs of each stage, by its name in results; None for a stage that is left out."""
        if self.stages is None:
            return {name: self._stage(getattr(self, f"{name}_optimizer")) for name in ("stage1", "stage2")}
        listed: list[Stage | None] = [
            None if one.optimizer == "none" else (one.optimizer, one.epochs) for one in self.stages
        ]
        return {f"stage{number}": stage for number, stage in enumerate(listed, start=1)}

    def keys_of_stage(self, name: str) -> tuple[str, str]:
        """Dotted keys of a stage's optimizer and of its epochs."""
        if self.stages is not None:
            at = f"training.stages[{int(name.removeprefix('stage')) - 1}]"
            return f"{at}.optimizer", f"{at}.epochs"
        stage = self.plan[name]
        return f"training.{name}_optimizer", "training.epochs_*" if stage is None else f"training.epochs_{stage[0]}"

    def _stage(self, name: OptimizerChoice | None) -> Stage | None:
        return None if name is None or name == "none" else (name, getattr(self, f"epochs_{name}"))


@block("data")
class DataSettings:
    """The data to read if the command line names none."""

    path: Annotated[
        Text | None,
        key("NPZ file of frames, or a folder of them, relative to the configuration or to the working folder.",
            fit=True, what="a path", default="the bundled set"),
    ] = None  # fmt: skip
    max_frames: Annotated[
        Whole | None,
        key("Use only this many frames, drawn at random with `seed`.", unit="frames", fit=True, ge=1, le=MOST_STEPS,
            default="all"),
    ] = None  # fmt: skip

    def found(self, reading: Reading) -> str | None:
        """The existing path that `path` names, beside the configuration or in the working folder; None if `path` is not
        set.

        A path that exists in neither is noted as a mistake.
        """
        if self.path is None:
            return None
        return named_path(self.path, "data.path", reading, "name the data on the command line")


def stages_of(said: Mapping[str, Any], reading: Reading) -> dict[str, Any]:
    """The keys of `training` with the list `stages` read; keys of the two stages, which it replaces, are ignored."""
    kept = {name: value for name, value in said.items() if not name.startswith(("epochs_", "stage1_", "stage2_"))}
    for name in said:
        if name not in kept:
            reading.leave(f"training.{name}")
    if isinstance(stages := said["stages"], list):
        made = [
            own_block(StageKeys, one, f"training.stages[{k}]", reading, others=True) for k, one in enumerate(stages)
        ]
        kept["stages"] = tuple(one for one in made if one is not None)
        if None in made:
            del kept["stages"]
    return kept
