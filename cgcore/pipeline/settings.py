"""What a YAML configuration file says about the full pipeline: model, optimizers, training.

The file is the one that `cgcore fit` reads (see `cgcore.config` for `model.priors` and `training.pretrain_prior*`).
Defaults in brackets; `<name>` is one of the optimizers in `cgcore.pipeline.optimizers`.

| key                              | meaning                                                                     |
|----------------------------------|-----------------------------------------------------------------------------|
| model.use_priors [true]          | the energy has the prior's terms                                            |
| model.train_priors [true]        | stages 1 and 2 train the prior, too; accepted in `training`, as well        |
| model.ml_model [allegro]         | allegro, nequip or none                                                     |
| model.cutoff [12]                | of the network [Å]                                                          |
| model.n_species [20]             | species are 0 ... n_species - 1                                             |
| model.allegro_size [default]     | default: block `allegro`; any other size: block `allegro_<size>`            |
| model.allegro, allegro_large ... | sizes, see `networks.settings.AllegroSettings`                              |
| model.nequip                     | sizes, see `networks.settings.NequipSettings`                               |
| optimizer.grad_clip [none]       | largest global norm of a gradient, for optimizers that do not say           |
| optimizer.<name>.lr              | learning rate, `learning_rate` likewise; with `peak_lr`: where warm-up begins |
| optimizer.<name>.peak_lr         | learning rate after warm-up                                                 |
| optimizer.<name>.end_lr [0]      | learning rate at the end of the cosine                                      |
| ... warmup_fraction [0.05]       | linear warm-up, as a part of the stage's steps                              |
| ... warmup_epochs, warmup_steps  | the same in epochs or steps; one of the three                               |
| ... decay_steps [all]            | steps, warm-up included, after which `end_lr` is reached                    |
| ... weight_decay [0]             | decoupled, of the network's parameters; never of the prior's                |
| ... grad_clip                    | as above, for this optimizer; 0: none                                       |
| ... b1, b2, eps, momentum ...    | as in optax (`beta1`, `beta2` likewise)                                     |
| training.stage1_optimizer [adabelief], stage2_optimizer [yogi] | <name>; null: no such stage                  |
| training.epochs_<name> [100]     | 0 skips the stage                                                           |
| training.val_fraction [0.1]      | part held out: the last frames of each protein                              |
| training.batch_per_device [8]    | frames of a minibatch on each device                                        |
| training.gammas [{F: 1, U: 0}]   | factors of the force and the energy loss                                    |
| training.keep [best]             | a stage ends with the parameters of lowest held-out loss, or with the last  |
| training.precision [float32]     | of the stages; float64 is for tests and small systems                       |
| training.checkpoint_path [none]  | folder                                                                      |
| training.checkpoint_freq [0]     | epochs between checkpoints; 0: at the end of a stage only                   |
| training.seed [0]                | of starting parameters and minibatches; accepted at the top level, as well  |
| data.path, data.max_frames       | for the command line, where it does not say                                 |

Keys of `optimizer`, `gammas`, and of the size blocks are refused when unknown; other keys of `model`, `training` and
`data` belong to other programs (`Settings.unused`), unless they look like one of these.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cgcore.config import default_prior
from cgcore.files import read_yaml
from cgcore.physics.prior import Prior
from cgcore.pipeline.networks.settings import NetworkSettings

Precision = Literal["float32", "float64"]


@dataclass(frozen=True)
class ModelSettings:
    """`model`: the prior (None: not used), whether stages train it, and the network (None: none)."""

    prior: Prior | None = field(default_factory=default_prior)
    train_priors: bool = True
    network: NetworkSettings | None = field(default_factory=NetworkSettings)


@dataclass(frozen=True)
class OptimizerSettings:
    """`optimizer.<name>`, see the table above.

    Arguments:
        name: of the optimizer.
        peak_lr: learning rate after warm-up.
        start_lr: learning rate at the start of warm-up.
        end_lr: learning rate at the end.
        warmup: in steps (`int`), or as a part of all steps (`float`).
        warmup_epochs: in epochs; goes before `warmup`.
        decay_steps: steps, warm-up included, after which `end_lr` is reached; None: all.
        weight_decay: decoupled, of the network.
        grad_clip: largest global norm of a gradient; None: any.
        hyperparameters: optax's names and values.
    """

    name: str
    peak_lr: float
    start_lr: float = 0.0
    end_lr: float = 0.0
    warmup: int | float = 0.05
    warmup_epochs: float | None = None
    decay_steps: int | None = None
    weight_decay: float = 0.0
    grad_clip: float | None = None
    hyperparameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingSettings:
    """`training`, see the table above; `stages` are (optimizer, epochs) of stage 1 and 2, None where there is none."""

    stages: tuple[tuple[str, int] | None, tuple[str, int] | None] = (("adabelief", 100), ("yogi", 100))
    val_fraction: float = 0.1
    batch_per_device: int = 8
    gamma_force: float = 1.0
    gamma_energy: float = 0.0
    keep: Literal["best", "last"] = "best"
    precision: Precision = "float32"
    checkpoint_path: str | None = None
    checkpoint_freq: int = 0
    seed: int = 0
    pretrain_prior: bool = True
    pretrain_prior_max_steps: int | None = None
    pretrain_prior_min_steps: int | None = None
    pretrain_prior_tol_grad: float | None = None


@dataclass(frozen=True)
class DataSettings:
    """`data`: what the command line trains on where it does not say."""

    path: str | None = None
    max_frames: int | None = None


@dataclass(frozen=True)
class Settings:
    """The whole configuration.

    Arguments:
        model: the energy.
        optimizers: by name, those that stages use.
        training: the rest of the run.
        data: for the command line.
        name: the file, for messages.
        unused: dotted names of keys that belong to other programs.
    """

    model: ModelSettings = field(default_factory=ModelSettings)
    optimizers: Mapping[str, OptimizerSettings] = field(default_factory=dict)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    data: DataSettings = field(default_factory=DataSettings)
    name: str = "settings"
    unused: tuple[str, ...] = ()


def load_settings(config: str | os.PathLike[str] | Mapping[str, Any] | Settings) -> Settings:
    """Settings from a YAML file, from what such a file holds, or as they are.

    Raises:
        InputError: anything is wrong in the file; the message names it, the key and the mend.
    """
    if isinstance(config, Settings):
        return config
    from cgcore.pipeline.settings_reader import SettingsReader

    if isinstance(config, Mapping):
        return SettingsReader("config").settings(dict(config))
    return SettingsReader(os.fspath(config)).settings(read_yaml(config))
