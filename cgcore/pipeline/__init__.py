"""The full pipeline: prior pre-training, then prior and network together."""
