"""Run existing training scripts on cgcore: the names, arguments and keys that they use, mapped to those of cgcore.

    from cgcore.compat import CombinedModel, ConfigManager, DatasetLoader, Trainer

    config = ConfigManager("config.yaml")
    train, validation = DatasetLoader(npz_path="data.npz").split_train_val(0.1)
    model = CombinedModel(config, train.R[0], None, train.species[0], train.N_max)
    results = Trainer(model, config, train, validation, train_data=train.get_all()).train_full_pipeline()

Nothing is computed here, and nothing else in cgcore depends on it. docs/scripts.md says what is the same and what is
not. It requires `pip install 'cgcore[train]'`. Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgcore.lazy import lazily

if TYPE_CHECKING:
    from cgcore.compat.combined_model import CombinedModel as CombinedModel
    from cgcore.compat.configuration import ConfigManager as ConfigManager
    from cgcore.compat.dataset_loader import DatasetLoader as DatasetLoader
    from cgcore.compat.preprocessing import CoordinatePreprocessor as CoordinatePreprocessor
    from cgcore.compat.prior_energy import PriorEnergy as PriorEnergy
    from cgcore.compat.topology import TopologyBuilder as TopologyBuilder
    from cgcore.compat.trainer import Trainer as Trainer

_HOME = {
    "CombinedModel": "cgcore.compat.combined_model",
    "ConfigManager": "cgcore.compat.configuration",
    "CoordinatePreprocessor": "cgcore.compat.preprocessing",
    "DatasetLoader": "cgcore.compat.dataset_loader",
    "PriorEnergy": "cgcore.compat.prior_energy",
    "TopologyBuilder": "cgcore.compat.topology",
    "Trainer": "cgcore.compat.trainer",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
