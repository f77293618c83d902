"""Faults of one line in cgcore, as in `seeded_fits`: refusals that are lost, one-sided, or of what is good."""

from __future__ import annotations

from fault_helpers import Faults, edited, uncompiled

from cgcore import factor_file
from cgcore.config import terms
from cgcore.data import Dataset, boxes, checks, layout, reading, stored
from cgcore.factor import compress
from cgcore.factor.fingerprint import Fingerprint
from cgcore.files import strict_yaml
from cgcore.fitting import error_bars
from cgcore.fitting.options import Options
from cgcore.physics import prior
from cgcore.physics.bases import BSpline
from cgcore.physics.rows import Rows
from cgcore.pipeline.loader import DatasetLoader
from cgcore.simulation import Settings
from validation.refused import factors

FAULTS: Faults = uncompiled(
    {
        "a hole in the mask": (
            "refusals",
            edited(layout, "_wrong_row", "ones != real_mask(count, ones.shape[1])", "ones & ~ones"),
        ),
        "infinite positions": (
            "refusals",
            edited(checks.PositionsCheck, "find_infinite", "np.isfinite(values)", "~np.isnan(values)"),
        ),
        "bonds of half the length": (
            "refusals",
            edited(checks.PositionsCheck, "add", "distance < SHORTEST_MEDIAN", "2 * distance < SHORTEST_MEDIAN"),
        ),
        "negative weights": ("refusals", edited(reading, "read_weights", " or (weights < 0).any():", ":")),
        "negative lengths of the first box alone": (
            "refusals",
            edited(boxes, "_vectors", "(box[:, :3] < 0).any()", "(box[0, :3] < 0).any()"),
        ),
        "nothing held out": ("refusals", edited(Dataset, "split", "0 <= val_fraction < 1", "0 < val_fraction < 1")),
        "energies that are not finite": (
            "refusals",
            edited(DatasetLoader, "U", " or not np.isfinite(energies).all():", ":"),
        ),
        "a file that changes in use": (
            "refusals",
            edited(stored, "opened_again", "file_stamp(file) != stamp", "not stamp"),
        ),
        "a knot twice": (
            "refusals",
            edited(BSpline, "__post_init__", "(np.diff(self.knots) > 0)", "(np.diff(self.knots) >= 0)"),
        ),
        "a row and its reverse": ("refusals", edited(Rows, "__post_init__", "min(row, row[::-1])", "row")),
        "a parameter that is partly not finite": (
            "refusals",
            edited(factors, "read_params", "np.isfinite(array).all()", "np.isfinite(array).any()"),
        ),
        "infinite parameters": (
            "refusals",
            edited(prior, "_checked", "not np.isfinite(value).all()", "np.isnan(value).any()"),
        ),
        "a species in two classes": ("refusals", edited(terms, "_groups", "if s in table]", "if False]")),
        "numbers that are ambiguous in YAML": (
            "refusals",
            edited(strict_yaml, "_ambiguous", "if re.fullmatch(form, text)", "if False"),
        ),
        "a truncation of 1": (
            "refusals",
            edited(Options, "__post_init__", "0 <= self.truncation < 1", "0 <= self.truncation <= 1"),
        ),
        "as many replicas as there may be": (
            "refusals",
            edited(Settings, "__post_init__", "self.replicas > MOST_REPLICAS", "self.replicas >= MOST_REPLICAS"),
        ),
        "groups left out of the fingerprint": (
            "refusals",
            edited(Fingerprint, "_flat", 'if key != "name"', 'if key not in ("name", "groups")'),
        ),
        "all beads of one species if none is stated": (
            "refusals",
            edited(compress, "_require_species", "if names and without:", "if not names and without:"),
        ),
        "the last key alone may not come again": (
            "refusals",
            edited(
                strict_yaml._StrictLoader,
                "compose_mapping_node",
                "seen.add((key.tag, key.value))",
                "seen = {(key.tag, key.value)}",
            ),
        ),
        "a source without species beside another": (
            "refusals",
            edited(compress, "_require_species", "names and without", "names and len(without) == len(dataset.sources)"),
        ),
        "a factor that was changed": (
            "refusals",
            edited(
                factor_file,
                "load_factor",
                "str(arrays.pop(CHECKSUM)) != checksum(arrays, NAMES)",
                "not arrays.pop(CHECKSUM)",
            ),
        ),
        "parameters of another shape": (
            "refusals",
            edited(factors, "from_named", "array.shape != leaf.shape or", "array.size != leaf.size or"),
        ),
        "certain intervals": ("refusals", edited(error_bars, "_require_settings", "0 < level < 1", "0 < level <= 1")),
    }
)
