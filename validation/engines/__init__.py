"""The prior in other engines, and a reader of what is exported to them."""
