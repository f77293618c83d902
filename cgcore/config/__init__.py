"""Configuration files: one schema of all keys, which checks and documents them, and is read for a fit or a training.

Names are loaded when they are first used: the schema needs pydantic, which a fit without a configuration does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgcore.lazy import lazily

if TYPE_CHECKING:
    from cgcore.config.documentation import json_schema as json_schema
    from cgcore.config.documentation import key_reference as key_reference
    from cgcore.config.fit_config import Config as Config
    from cgcore.config.fit_config import default_prior as default_prior
    from cgcore.config.loading import load_config as load_config
    from cgcore.config.loading import load_settings as load_settings
    from cgcore.config.settings import Settings as Settings

_HOME = {
    "Config": "cgcore.config.fit_config",
    "Settings": "cgcore.config.settings",
    "default_prior": "cgcore.config.fit_config",
    "json_schema": "cgcore.config.documentation",
    "key_reference": "cgcore.config.documentation",
    "load_config": "cgcore.config.loading",
    "load_settings": "cgcore.config.loading",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
