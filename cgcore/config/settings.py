"""The whole configuration of the pipeline, as the program works with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cgcore.config.model import ModelSettings
from cgcore.config.optimizers import OptimizerSettings
from cgcore.config.reading import Dialect
from cgcore.config.training import DataSettings, TrainingSettings


@dataclass(frozen=True)
class Settings:
    """The whole configuration.

    Arguments:
        model: the energy.
        training: the prior's fit and the stages.
        optimizers: by name.
        data: for the command line.
        name: the file, for messages.
        unused: dotted names of keys that belong to other programs.
        dialect: of the file.
        data_path: `data.path` as the system finds it; None: there is none, or it is not asked for.
    """

    model: ModelSettings
    training: TrainingSettings = field(default_factory=TrainingSettings)
    optimizers: Mapping[str, OptimizerSettings] = field(default_factory=dict)
    data: DataSettings = field(default_factory=DataSettings)
    name: str = "settings"
    unused: tuple[str, ...] = ()
    dialect: Dialect = "cgcore"
    data_path: str | None = None
