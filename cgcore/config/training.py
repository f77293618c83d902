"""The blocks `training` and `data`."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from cgcore.config.keys import MOST_STEPS, Flag, Number, Text, Whole, block, key
from cgcore.config.optimizers import OptimizerName

OptimizerChoice = Literal[OptimizerName, "none"]
Precision = Literal["float32", "float64"]
Stage = tuple[OptimizerName, int]
"""An optimizer and its epochs."""

MOST_EPOCHS = 1_000_000
"""The losses of every epoch are kept."""

Epochs = Annotated[
    Whole, key("Epochs of a stage with this optimizer; 0 skips it.", unit="epochs", ge=0, le=MOST_EPOCHS)
]


@block("training.gammas")
class Gammas:
    """Factors of the parts of a stage's loss."""

    F: Annotated[Number, key("Factor of the force loss, which is per real bead.", ge=0)] = 1.0
    U: Annotated[Number, key("Factor of the energy loss, which is per frame.", ge=0)] = 0.0


@block("training")
class TrainingSettings:
    """How the prior is fitted and what the two stages do."""

    pretrain_prior: Annotated[Flag, key("Fit the prior before the stages.", fit=True)] = True
    pretrain_prior_max_steps: Annotated[
        Whole | None, key("L-BFGS steps of the fit at most.", fit=True, ge=1, le=1_000_000, default="200")
    ] = None
    pretrain_prior_min_steps: Annotated[
        Whole | None,
        key("L-BFGS steps of the fit at least.", fit=True, ge=0, le=1_000_000, default="0, or 10 without whitening"),
    ] = None
    pretrain_prior_tol_grad: Annotated[
        Number | None, key("Gradient norm that the fit stops below.", fit=True, ge=0, default="1e-6")
    ] = None
    pretrain_prior_constraints: Annotated[
        Literal["safe", "nonnegative", "none"] | None,
        key("Which parameters the fit admits.", fit=True, default="the fit's own"),
    ] = None
    pretrain_prior_smoothness: Annotated[
        Annotated[Number, key("", ge=0)] | Literal["auto"] | None,
        key("Strength of the preference for smooth potentials.", fit=True, default="the fit's own"),
    ] = None
    pretrain_prior_truncation: Annotated[
        Annotated[Number, key("", ge=0, lt=1)] | Literal["auto"] | None,
        key("Least relative singular value of a fitted direction.", fit=True, default="the fit's own"),
    ] = None
    temperature: Annotated[
        Number | None, key("Temperature of the simulation that the data are from.", unit="K", fit=True, gt=0, le=1e5)
    ] = None
    val_fraction: Annotated[
        Number, key("Part of the frames held out: the last ones of each protein.", fit=True, ge=0, lt=1)
    ] = 0.1
    stage1_optimizer: Annotated[OptimizerChoice | None, key("Optimizer of stage 1; none or null: no such stage.")] = (
        "adabelief"
    )
    stage2_optimizer: Annotated[OptimizerChoice | None, key("Optimizer of stage 2; none or null: no such stage.")] = (
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
        Whole, key("Frames of a minibatch on each device; at most all frames are used.", unit="frames", ge=1, le=65_536)
    ] = 8
    gammas: Annotated[Gammas, key("Factors of the parts of a stage's loss.")] = field(default_factory=Gammas)
    keep: Annotated[
        Literal["best", "last"],
        key("A stage ends with the parameters of the lowest held-out loss, or with the last ones."),
    ] = "best"
    precision: Annotated[Precision, key("Precision of the stages; float64 is for tests and small systems.")] = "float32"
    checkpoint_path: Annotated[
        Text | None, key("Folder of checkpoints.", what="a path", default="`checkpoints` in the output folder")
    ] = None
    resume: Annotated[
        Text | None,
        key(
            "Go on from the newest checkpoint: auto, of `checkpoint_path` where there is one; or a folder of them.",
            what="auto or a path", default="start anew",
        ),
    ] = None  # fmt: skip
    checkpoint_freq: Annotated[
        Whole,
        key("Epochs between checkpoints; 0: at the end of a stage only.", unit="epochs", ge=0, le=MOST_EPOCHS),
    ] = 0
    seed: Annotated[
        Whole,
        key("Seed of the network's first parameters and of minibatches.", elsewhere=("seed",), ge=0, le=MOST_STEPS),
    ] = 0

    @property
    def stages(self) -> tuple[Stage | None, Stage | None]:
        """Optimizer and epochs of stages 1 and 2; None: there is no such stage."""
        return self._stage(self.stage1_optimizer), self._stage(self.stage2_optimizer)

    def _stage(self, name: OptimizerChoice | None) -> Stage | None:
        return None if name is None or name == "none" else (name, getattr(self, f"epochs_{name}"))


@block("data")
class DataSettings:
    """What the command line reads where it does not say."""

    path: Annotated[Text | None, key("NPZ of frames, or a folder of them.", what="a path")] = None
    max_frames: Annotated[
        Whole | None, key("Use so many frames, drawn at random.", unit="frames", ge=1, le=MOST_STEPS, default="all")
    ] = None
