"""Configuration files: keys, values, declared terms, and the YAML itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cgcore
from cgcore.config import load_settings
from validation.refused.place import Place, Work

Said = tuple[Sequence[str], Sequence[str]]
"""What a key accepts and what it refuses, as YAML."""

NUMBER: Said = (["0", "-1.5", "1e-6", "3"], ["'3'", "true", "[3.8]", "{}", ".nan", ".inf", "1e999", "2020-01-01", "x"])
FLAG: Said = (["true", "false", "yes", "off"], ["1", "'false'", "[]", "maybe"])
NOT_WHOLE = ["2.5", "true", "'3'", "[3]", ".nan", "1e300"]
SERIES: Said = (["[]", "[1]", "[1.0, -2]"], ["0.5", "[1, x]", "[1, .inf]", "[true]", str([0] * 65), "'[1]'"])

KEYS: dict[str, Said] = {
    "model.use_priors": FLAG,
    "model.priors.r0": NUMBER,
    "model.priors.kr": NUMBER,
    "model.priors.theta0": (["1.6", "null"], ["'1.6'", ".nan"]),
    "model.priors.sigma": (["-3", "1e-9"], ["0", "0.0", ".inf", "'3'"]),
    "model.priors.sigma_ex": (["3.5"], ["0"]),
    "model.priors.a": SERIES,
    "model.priors.k_dih": SERIES,
    "model.priors.weights.bond": (["0", "2.5"], ["-1e-9", "true", ".nan", "'1'", "null"]),
    "model.priors.weights.excluded_volume": (["0", "1", "null"], ["-1e-9", ".inf"]),
    "model.priors.frozen": (["[]", "[bond, angle]"], ["[bonds]", "bond", "[1]"]),
    "training.pretrain_prior": FLAG,
    "training.pretrain_prior_max_steps": (["1", "1000000", "2e2"], ["0", "-1", "1000001", *NOT_WHOLE]),
    "training.pretrain_prior_min_steps": (["0", "200"], ["-1", "1000001", *NOT_WHOLE]),
    "training.pretrain_prior_tol_grad": (["0", "1e-6"], ["-1e-300", ".nan", ".inf", "'1e-6'", "true"]),
    "training.pretrain_prior_constraints": (["safe", "nonnegative", "none"], ["Safe", "strict", "true", "0"]),
    "training.pretrain_prior_smoothness": (
        ["auto", "1e-3", "1e6"],
        ["Auto", "0", "-1e-9", "1.000001e6", ".nan", "true"],
    ),
    "training.pretrain_prior_truncation": (["auto", "0", "0.999"], ["Auto", "1", "-1e-9", ".nan", "true"]),
    "training.temperature": (["1e-3", "300", "1e5"], ["0", "-300", "100000.1", ".inf", "'300'", "true"]),
    "training.val_fraction": (["0", "0.999"], ["1", "1.0", "-1e-9", ".nan", "'0.1'", "true"]),
    "training.hold_out": (["last_rows", "each_protein"], ["last", "true", "''"]),
    "training.seed": (["0", "2147483647"], ["-1", "2147483648", *NOT_WHOLE]),
}

TRAINING = "model: {ml_model: none}\ntraining: "
TRAIN_KEYS: dict[str, Said] = {
    f"{TRAINING}{{batch_per_device: VALUE}}": (["1", "65536"], ["0", "65537", *NOT_WHOLE]),
    f"{TRAINING}{{epochs_adam: VALUE}}": (["0", "5"], ["-1", *NOT_WHOLE]),
    f"{TRAINING}{{stage1_optimizer: VALUE}}": (["adam", "none", "null"], ["Adam", "sgd", "1", "true"]),
    f"{TRAINING}{{gammas: VALUE}}": (["{F: 1, U: 0}"], ["{F: -1e-9}", "{U: .nan}", "{T: 1}", "1"]),
    "model: {ml_model: nequip, cutoff: VALUE}": (["1", "12.5"], ["0", "-12", ".nan", "'12'", "true"]),
    "model: {ml_model: nequip, n_species: VALUE}": (["1", "20"], ["0", *NOT_WHOLE]),
    "model: {ml_model: VALUE}": (["nequip", "none"], ["Nequip", "mace", "1"]),
    "dialect: cgcore\nmodel: {allegro_size: med, VALUE}": (["allegro_med: {}"], ["allegro: {}", "allegro_large: {}"]),
    "dialect: chemtrain\nmodel: {allegro_size: med, VALUE}": (
        ["allegro_med: {}", "allegro: {}"],
        ["allegro_large: {}"],
    ),
}
"""Keys that only training reads, with the text around their values."""

TERM = "rows: pairs, basis: power"
SPLINE = "rows: pairs, basis: bspline"
BELL = "rows: pairs, basis: gaussian"
TYPES = "rows: pairs, basis: power, by: types, classes"
TERMS: dict[str, Said] = {
    "name": (
        [f"x-1_: {{{TERM}}}", f"{'x' * 41}: {{{TERM}}}"],
        [f"kr: {{{TERM}}}", f"'a b': {{{TERM}}}", f"1x: {{{TERM}}}", f"{'x' * 42}: {{{TERM}}}", f"3: {{{TERM}}}"],
    ),
    "block": ([f"x: {{{TERM}}}"], ["x: 3", "x:", "x: []", "x: {rows: pairs}", "x: {basis: power}", "[]"]),
    "rows": (
        [f"x: {{rows: {kind}, basis: harmonic}}" for kind in ("bonds", "angles", "dihedrals", "pairs")],
        [f"x: {{rows: {kind}, basis: harmonic}}" for kind in ("bond", "impropers", "1", "null")],
    ),
    "basis": (
        [f"x: {{rows: {both}}}" for both in ("angles, basis: fourier", "bonds, basis: power", "pairs, basis: bspline")],
        [f"x: {{rows: {both}}}" for both in ("bonds, basis: fourier", "angles, basis: power", "pairs, basis: spline",
                                             "dihedrals, basis: debye_hueckel")],
    ),
    "key": (
        [f"x: {{{TERM}, weight: 1}}"],
        [f"x: {{{TERM}, weigth: 1}}", f"x: {{{TERM}, Weight: 1}}", f"x: {{{TERM}, 1: 1}}"],
    ),
    "weight": (
        [f"x: {{{TERM}, weight: {w}}}" for w in ("0", "2.5")],
        [f"x: {{{TERM}, weight: {w}}}" for w in ("-1e-9", ".nan", "true", "'1'")],
    ),
    "power": (
        [f"x: {{{TERM}, power: {n}}}" for n in ("0.1", "24")],
        [f"x: {{{TERM}, power: {n}}}" for n in ("0", "24.1", ".nan", "true")],
    ),
    "separation": (
        [f"x: {{{TERM}, separation: {s}}}" for s in ("[1, null]", "[3, 3]")],
        [f"x: {{{TERM}, separation: {s}}}" for s in ("[0, null]", "[3, 2]", "[3]", "3", "[1.5, 3]", "[1, 2, 3]")]
        + ["x: {rows: angles, basis: fourier, separation: [2, 3]}"],
    ),
    "chains": (
        [f"x: {{{TERM}, chains: {c}}}" for c in ("any", "within", "between")],
        [f"x: {{{TERM}, chains: {c}}}" for c in ("some", "1")] + ["x: {rows: angles, basis: fourier, chains: within}"],
    ),
    "list": (
        [f"x: {{{TERM}, list: {rows}}}" for rows in ("[[0, 5]]", "[[0, 5], [1, 5]]")],
        [f"x: {{{TERM}, list: {rows}}}" for rows in ("[[0, 0]]", "[[0, 5], [5, 0]]", "[[0]]", "[[-1, 5]]", "[0, 5]",
                                                 "[[0, 5]], separation: [3, null]", "[[0, 5]], chains: within")],
    ),
    "harmonics": (
        [f"x: {{rows: angles, basis: fourier, harmonics: {n}}}" for n in ("1", "64")],
        [f"x: {{rows: angles, basis: fourier, harmonics: {n}}}" for n in ("0", "65", "2.5", "true")],
    ),
    "knots": (
        [f"x: {{{SPLINE}, knots: {k}}}" for k in ("2", "1000", "[3, 4, 9]")],
        [f"x: {{{SPLINE}, knots: {k}}}"
         for k in ("0", "1", "-3", "1001", "[3]", "[3, 3, 4]", "[4, 3]", "[3, .inf]", "2.5")],
    ),
    "range": (
        [f"x: {{{SPLINE}, range: {r}}}" for r in ("[3, 9]",)],
        [f"x: {{{SPLINE}, range: {r}}}" for r in ("[9, 3]", "[3, 3]", "[3]", "3", "[3, .inf]", "[3, 4, 5]")],
    ),
    "degree": (
        [f"x: {{{SPLINE}, degree: {d}}}" for d in ("2", "5")],
        [f"x: {{{SPLINE}, degree: {d}}}" for d in ("1", "6", "3.5", "true")],
    ),
    "centres": (
        [f"x: {{{BELL}, centres: {c}}}" for c in ("1", "1000", "[4, 6]")],
        [f"x: {{{BELL}, centres: {c}}}" for c in ("0", "-1", "1001", "[]", "[6, 4]", "[4, 4]", "[4, .nan]")],
    ),
    "width": (
        [f"x: {{{BELL}, width: {w}}}" for w in ("1e-3", "null")],
        [f"x: {{{BELL}, width: {w}}}" for w in ("0", "-1", ".inf", "true")],
    ),
    "length": (
        [f"x: {{rows: pairs, basis: debye_hueckel, length: {n}}}" for n in ("1e-3", "8")],
        [f"x: {{rows: pairs, basis: debye_hueckel, length: {n}}}" for n in ("0", "-8", ".inf", "true")],
    ),
    "classes": (
        [f"x: {{{TYPES}: {c}}}" for c in ("1", "{a: [1], b: [2]}", "{a: [1], b: rest}")],
        [f"x: {{{TYPES}: {c}}}" for c in ("0", "-1", "101", "10001", "true", "{a: [1], b: [1]}", "{a: rest, b: rest}")]
        + [f"x: {{{TYPES}: {c}}}" for c in ("{a: [-1]}", "{a: [10000]}", "{a: [0.5]}", "{a: 1}", "{}")]
        + [f"x: {{{TERM}, by: types}}", f"x: {{{TERM}, classes: 2}}", f"x: {{{TERM}, by: species, classes: 2}}"]
        + [f"x: {{{TERM}, by: central, classes: 2}}"],
    ),
    "coefficients": (
        [f"x: {{{TERM}, coefficients: [1]}}", f"x: {{{TERM}, by: terminal, coefficients: [[1], [2]]}}"],
        [f"x: {{{TERM}, coefficients: {c}}}" for c in ("[1, 2]", "[.nan]", "[x]", "1", "[[1]]", "[]")],
    ),
    "frozen": (
        [f"x: {{{TERM}, frozen: {f}}}" for f in ("true", "false")],
        [f"x: {{{TERM}, frozen: {f}}}" for f in ("1", "'true'")],
    ),
}  # fmt: skip

DEEP, SHALLOW = ("a: " + "[" * n + "]" * n for n in (60, 3))
DOUBLED = "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 20))

YAML: dict[str, Said] = {
    "a key twice": (
        ["seed: 1\nmodel: {}"],
        ["seed: 1\nseed: 1", "model: {}\nmodel: {}", "model: {use_priors: yes, use_priors: yes}",
         "seed: 1\nmodel: {}\nseed: 1"],
    ),
    "tag": (
        ["seed: !!int 7", "model: {ml_model: !!str allegro}"],
        ["seed: !!python/int 7", "a: !!python/object/apply:os.getcwd []", "seed: !mine 7", "a: !!binary aGk=",
         "a: !!set {}"],
    ),
    "alias": (
        ["model: {priors: {a: &x [1], b: *x}}"],
        ["model: {priors: {a: *x}}", "a: &x [*x]", f"a0: &a0 [1, 1]\n{DOUBLED}", "a: &x {<<: *x}"],
    ),
    "number": (
        ["seed: 10", "model: {priors: {kr: 1.5e2}}", "seed: 0x10"],
        ["seed: 010", "seed: 1_000", "seed: 0b11", "seed: 1:30", f"seed: {'9' * 5000}"],
    ),
    "text": (
        ["model: {}", "# a comment\nmodel: {}"],
        ["model: {", "model: }", "model:\n\tuse_priors: true", "model: {}\n---\nmodel: {}", "\u0000", "a: '\\",
         'a: "\\Uffffffff"'],
    ),
    "depth": ([f"mine: {{{SHALLOW}}}"], [DEEP]),
    "block": (
        ["model: {priors: {}}", "training: {}"],
        ["- 1", "just text", "3", "model: 3", "training: []", "model: {priors: }",
         "model: {priors: 1}", "model: {priors: {weights: 1}}"],
    ),
    "name of a key": (
        ["ensemble: {size: 4}", "model: {priors: {k_dihedral: [1], gamma_dihedral: [0]}}"],
        ["models: {}", "Training: {}", "priors: {r0: 1}", "model: {priors: {r_0: 1}}", "training: {val_fracton: 0.1}",
         "model: {priors: {weights: {bonds: 1}}}"],
    ),
    "together": (
        ["model: {priors: {a: [1, 2], b: [1, 2]}}",
         "training: {pretrain_prior_max_steps: 5, pretrain_prior_min_steps: 5}"],
        ["model: {priors: {a: [1, 2], b: [1]}}", "model: {priors: {k_dih: [1], gamma_dih: []}}", "dialect: other",
         "training: {pretrain_prior_max_steps: 5, pretrain_prior_min_steps: 6}",
         "model: {priors: {use_spline_priors: true}}"],
    ),
}  # fmt: skip


def places(folder: Path) -> Iterator[Place]:
    """Every kind of mistake in a configuration file, written into `folder`."""
    path = folder / "config.yaml"

    def read(content: str | bytes, load: Callable[[Path], object] = cgcore.load_config) -> Work:
        raw = content.encode() if isinstance(content, str) else content
        return lambda: (path.write_bytes(raw), load(path))

    for name, texts in YAML.items():
        good, bad = ({f"{' '.join(text.split())!r:.80}": read(text) for text in texts[side]} for side in (0, 1))
        yield Place(f"YAML, {name}", good, bad)
    for key, values in KEYS.items():
        good, bad = ({f"{said:.40}": read(nested(key, said)) for said in values[side]} for side in (0, 1))
        yield Place(key, good, bad)
    for around, values in TRAIN_KEYS.items():
        good, bad = (
            {f"{said:.40}": read(around.replace("VALUE", said), load_settings) for said in values[side]}
            for side in (0, 1)
        )
        yield Place(f"training, {around.removeprefix(TRAINING)}", good, bad)
    for name, texts in TERMS.items():
        good, bad = ({f"{text:.100}": read(f"model: {{terms: {{{text}}}}}") for text in texts[side]} for side in (0, 1))
        yield Place(f"declared terms, {name}", good, bad)
    large = b"#" * 2**18
    yield Place(
        "bytes of a configuration",
        {"the largest": read(large), "UTF-8": read("# Å\n")},
        {"one byte more": read(large + b"#"), "Latin-1": read("# Å\n".encode("latin-1")), "a zero": read(b"a: \0")},
    )


def nested(key: str, value: str) -> str:
    """YAML of one dotted key."""
    for name in reversed(key.split(".")):
        value = f"{{{name}: {value}}}"
    return value
