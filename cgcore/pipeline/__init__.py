"""The full pipeline: prior pre-training by force matching, then prior and network together.

    from cgcore.pipeline import CombinedModel, DatasetLoader, Trainer

    train, validation = DatasetLoader("data.npz", max_frames=None, seed=0).split_train_val(0.1)
    model = CombinedModel("config.yaml", train.R[0], None, train.species[0], train.N_max)
    trainer = Trainer(model, "config.yaml", train, validation)
    results = trainer.train_full_pipeline()

It requires `pip install 'cgcore[train]'`. Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgcore.lazy import lazily

if TYPE_CHECKING:
    from cgcore.config.loading import load_settings as load_settings
    from cgcore.config.settings import Settings as Settings
    from cgcore.pipeline.evaluation import evaluate as evaluate
    from cgcore.pipeline.loader import DatasetLoader as DatasetLoader
    from cgcore.pipeline.model import CombinedModel as CombinedModel
    from cgcore.pipeline.model_for_data import model_for as model_for
    from cgcore.pipeline.trainer import Trainer as Trainer

_HOME = {
    "CombinedModel": "cgcore.pipeline.model",
    "DatasetLoader": "cgcore.pipeline.loader",
    "Settings": "cgcore.config.settings",
    "Trainer": "cgcore.pipeline.trainer",
    "evaluate": "cgcore.pipeline.evaluation",
    "load_settings": "cgcore.config.loading",
    "model_for": "cgcore.pipeline.model_for_data",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
