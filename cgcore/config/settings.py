"""The whole configuration of the pipeline, as the program uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cgcore.config.model import ModelSettings
from cgcore.config.optimizers import OptimizerSettings
from cgcore.config.reading import Dialect
from cgcore.config.training import DataSettings, TrainingSettings


@dataclass(frozen=True)
class Settings:
    """The whole configuration of the pipeline.

    Arguments:
        model: settings of the energy function.
        training: settings of the prior's fit and of the stages.
        optimizers: settings of the optimizers, by name.
        data: data to read if the command line names none.
        name: name of the file, for messages.
        unused: dotted names of keys that belong to other programs.
        dialect: dialect of the file.
        data_path: path of the data that `data.path` names; None if there is none, or if it was not requested.
    """

    model: ModelSettings
    training: TrainingSettings = field(default_factory=TrainingSettings)
    optimizers: Mapping[str, OptimizerSettings] = field(default_factory=dict)
    data: DataSettings = field(default_factory=DataSettings)
    name: str = "settings"
    unused: tuple[str, ...] = ()
    dialect: Dialect = "cgcore"
    data_path: str | None = None
