"""The blocks `optimizer.<name>`. The defaults of the numbers after `grad_clip` are those of optax."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field, fields, replace
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, get_args

from cgcore.config.keys import MOST_STEPS, Number, Whole, block, key, keys_of
from cgcore.config.names import canonical, checked, mapping, own_block, unknown
from cgcore.config.reading import Reading

OptimizerName = Literal["adabelief", "yogi", "adam", "lion", "sgd_nesterov", "polyak_sgd", "fromage"]

_RATE = "Learning rate; with `peak_lr`, the rate at the start of the warm-up (0 if left out)."

LearningRate = Annotated[Number, key(_RATE, also=("learning_rate",), theirs=1e-3, ge=0)]
GradClip = Annotated[
    Number | None,
    key(
        "Largest global norm of a gradient; 0 does not clip. See `clipping`.",
        follows="optimizer.grad_clip",
        overruled=True,
        ge=0,
    ),
]
SCHEDULES = {
    "doubled": "lr to peak_lr in so many steps, to end_lr at 2 x decay_steps",
    "stage": "0 (or lr) to peak_lr by its unit, to end_lr at decay_steps or the end",
}
WEIGHT_DECAYS = {
    "coupled": "added to the gradient before the optimizer, of all parameters",
    "decoupled": "beside the optimizer, of the network's parameters alone",
}
CLIPPINGS = {
    "global": "optimizer.grad_clip for all, whatever an optimizer's own",
    "own": "an optimizer's own, else optimizer.grad_clip",
}


def _rule(meaning: str, says: Mapping[str, str], follows: str = "") -> Any:
    """A key with choices that only cgcore has; the other code always does the first one."""
    return key(meaning, theirs=next(iter(says)), own=True, says=says, follows=follows)


Schedule = Annotated[
    Literal["doubled", "stage"],
    _rule("Schedule of the learning rate; doubled counts `warmup_epochs` in steps.", SCHEDULES, "optimizer.schedule"),
]
WeightDecayRule = Annotated[
    Literal["coupled", "decoupled"], _rule("Kind of weight decay.", WEIGHT_DECAYS, "optimizer.weight_decay_rule")
]
Epsilon = Annotated[Number, key("Small number added to a denominator.", ge=0, le=1)]
EpsilonRoot = Annotated[Number, key("Small number added under a square root.", ge=0, le=1)]
FirstMoment = Annotated[Number, key("Decay rate of the first moment.", also=("beta1",), ge=0, lt=1)]
SecondMoment = Annotated[Number, key("Decay rate of the second moment.", also=("beta2",), ge=0, lt=1)]


@block("optimizer")
class OptimizerSettings:
    """Keys that all optimizers share: learning rates, warm-up, weight decay and clipping."""

    name: ClassVar[OptimizerName]

    lr: LearningRate = 1e-3
    peak_lr: Annotated[
        Number | None, key("Learning rate after warm-up.", gt=0, default="`lr`, and warm-up begins with 0")
    ] = None
    end_lr: Annotated[
        Number | None,
        key("Learning rate at the end of the cosine.", theirs=None, says={"null": "lr / 10"}, ge=0,
            default="`null`; cgcore: `0.0`"),
    ] = 0.0  # fmt: skip
    schedule: Schedule = "stage"
    warmup_fraction: Annotated[
        Number,
        key(
            "Length of the linear warm-up, as a fraction of the steps of a `stage`; give it in one of three ways.",
            ge=0,
            lt=1,
        ),
    ] = 0.05
    warmup_epochs: Annotated[Number | None, key("Length of the warm-up in epochs.", unit="epochs", ge=0, le=1e6)] = None
    warmup_steps: Annotated[Whole | None, key("Length of the warm-up in steps.", unit="steps", ge=0, le=MOST_STEPS)] = (
        None
    )
    decay_steps: Annotated[
        Whole | None,
        key(
            "Number of steps, warm-up included, after which `end_lr` is reached; see `schedule`.",
            unit="steps",
            ge=1,
            le=2**30,
            default="those of the stage; doubled: 100",
        ),
    ] = None
    weight_decay: Annotated[Number, key("Weight decay; `weight_decay_rule` says how it is applied.", ge=0)] = 0.0
    weight_decay_rule: WeightDecayRule = "decoupled"
    grad_clip: GradClip = None

    @property
    def start(self) -> float:
        """Learning rate at the start of warm-up."""
        return 0.0 if self.peak_lr is None and self.schedule == "stage" else self.lr

    @property
    def end(self) -> float:
        """Learning rate at the end of the cosine."""
        return self.lr / 10 if self.end_lr is None else self.end_lr

    @property
    def peak(self) -> float:
        """Learning rate after warm-up."""
        return self.lr if self.peak_lr is None else self.peak_lr

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The settings that only this optimizer has, under optax's names."""
        shared = {one.name for one in fields(OptimizerSettings)}  # pyright: ignore[reportArgumentType]
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in shared}  # pyright: ignore[reportArgumentType]


@block("optimizer.adabelief")
class Adabelief(OptimizerSettings):
    """AdaBelief."""

    name: ClassVar[OptimizerName] = "adabelief"
    b1: FirstMoment = 0.9
    b2: SecondMoment = 0.999
    eps: Annotated[Number, key("Small number added to a denominator.", theirs=1e-8, ge=0, le=1)] = 1e-16
    eps_root: EpsilonRoot = 1e-16


@block("optimizer.yogi")
class Yogi(OptimizerSettings):
    """Yogi."""

    name: ClassVar[OptimizerName] = "yogi"
    b1: FirstMoment = 0.9
    b2: SecondMoment = 0.999
    eps: Annotated[Number, key("Small number added to a denominator.", theirs=1e-6, ge=0, le=1)] = 1e-3


@block("optimizer.adam")
class Adam(OptimizerSettings):
    """Adam."""

    name: ClassVar[OptimizerName] = "adam"
    b1: FirstMoment = 0.9
    b2: SecondMoment = 0.999
    eps: Epsilon = 1e-8
    eps_root: EpsilonRoot = 0.0


@block("optimizer.lion")
class Lion(OptimizerSettings):
    """Lion."""

    name: ClassVar[OptimizerName] = "lion"
    lr: LearningRate = 1e-4
    b1: FirstMoment = 0.9
    b2: SecondMoment = 0.99
    decoupled_decay: Annotated[
        Number,
        key("Weight decay that optax builds into this optimizer: decoupled, on all parameters.", theirs=1e-3, ge=0),
    ] = 0.0


@block("optimizer.sgd_nesterov")
class SgdNesterov(OptimizerSettings):
    """Gradient descent with Nesterov's momentum."""

    name: ClassVar[OptimizerName] = "sgd_nesterov"
    momentum: Annotated[Number, key("Nesterov's momentum.", ge=0, lt=1)] = 0.9


@block("optimizer.polyak_sgd")
class PolyakSgd(OptimizerSettings):
    """Gradient descent with Polyak's step, which `lr` bounds."""

    name: ClassVar[OptimizerName] = "polyak_sgd"
    lr: LearningRate = 1.0
    rule: Annotated[
        Literal["momentum", "polyak"],
        _rule("Update rule.", {"momentum": "gradient descent with momentum 0.9", "polyak": "Polyak's step"}),
    ] = "polyak"
    f_min: Annotated[Number, key("Lowest loss that can be reached.", unit="(kcal/mol/Å)²", also=("f_star",), ge=0)] = (
        0.0
    )
    eps: Epsilon = 0.0


@block("optimizer.fromage")
class Fromage(OptimizerSettings):
    """Fromage."""

    name: ClassVar[OptimizerName] = "fromage"
    lr: Annotated[Number, key(_RATE, also=("learning_rate",), theirs=2e-4, ge=0)] = 1e-2
    rule: Annotated[
        Literal["plain", "fromage"],
        _rule("Update rule.", {"plain": "gradient descent with lr, which stays the same", "fromage": "Fromage"}),
    ] = "fromage"
    min_norm: Annotated[Number, key("Smallest norm by which a step is scaled.", ge=0)] = 1e-6


OPTIMIZERS: Mapping[str, type[OptimizerSettings]] = {
    cls.name: cls for cls in (Adabelief, Yogi, Adam, Lion, SgdNesterov, PolyakSgd, Fromage)
}
assert set(OPTIMIZERS) == set(get_args(OptimizerName))


@block("optimizer")
class OptimizersKeys:
    """Settings of the optimizers."""

    grad_clip: Annotated[
        Number | None,
        key("Largest global norm of a gradient; `clipping` says which one applies.", theirs=1.0, ge=0, default="any"),
    ] = None
    clipping: Annotated[
        Literal["global", "own"], _rule("Which `grad_clip` applies if an optimizer has one of its own.", CLIPPINGS)
    ] = "own"
    schedule: Annotated[
        Literal["doubled", "stage"],
        _rule("Schedule of the learning rate, for optimizers without their own.", SCHEDULES),
    ] = "stage"
    weight_decay_rule: Annotated[
        Literal["coupled", "decoupled"], _rule("Kind of weight decay, for optimizers without their own.", WEIGHT_DECAYS)
    ] = "decoupled"
    adabelief: Annotated[Adabelief, key("AdaBelief.")] = field(default_factory=Adabelief)
    yogi: Annotated[Yogi, key("Yogi.")] = field(default_factory=Yogi)
    adam: Annotated[Adam, key("Adam.")] = field(default_factory=Adam)
    lion: Annotated[Lion, key("Lion.")] = field(default_factory=Lion)
    sgd_nesterov: Annotated[SgdNesterov, key("Gradient descent with Nesterov's momentum.")] = field(
        default_factory=SgdNesterov
    )
    polyak_sgd: Annotated[PolyakSgd, key("Gradient descent with Polyak's step, which `lr` bounds.")] = field(
        default_factory=PolyakSgd
    )
    fromage: Annotated[Fromage, key("Fromage.")] = field(default_factory=Fromage)


_WARM_UPS = ("warmup_fraction", "warmup_epochs", "warmup_steps")
_SHARED = ("grad_clip", "clipping", "schedule", "weight_decay_rule")
"""Keys of the block that are not optimizers."""


def optimizers_of(value: Any, used: Collection[str], reading: Reading) -> dict[str, OptimizerSettings]:
    """Every optimizer as configured by the block `optimizer`; those with mistakes are left out.

    Arguments:
        value: content of the block.
        used: the optimizers of stages. In the dialect `chemtrain`, mistakes in the blocks of others are ignored.
        reading: record of the file's reading.
    """
    said = mapping({} if value is None else value, "optimizer", reading)
    theirs, names = reading.dialect == "chemtrain", canonical(OptimizersKeys)
    for name in said:
        meant = get_close_matches(str(name), [*_SHARED, *(one for one in used if one not in said)], 1, 0.8)
        if theirs and name not in used and name not in _SHARED and (name in names or not meant):
            reading.leave(f"optimizer.{name}")
        elif name not in names:
            reading.add(f"optimizer.{name}", unknown(name, names))
    shared = checked(OptimizersKeys, {name: said[name] for name in _SHARED if said.get(name) is not None}, "optimizer",
                     reading)  # fmt: skip
    made = {}
    for name, cls in OPTIMIZERS.items():
        noted = reading if name in used or not theirs else Reading(reading.file, reading.dialect)
        made[name] = _optimizer(cls, said.get(name), shared or OptimizersKeys(), noted)
    return {name: settings for name, settings in made.items() if settings is not None}


def _optimizer(
    cls: type[OptimizerSettings], value: Any, shared: OptimizersKeys, reading: Reading
) -> OptimizerSettings | None:
    at = f"optimizer.{cls.name}"
    said = mapping({} if value is None else value, at, reading)
    given = {name: inside for name, inside in said.items() if inside is not None or _null_is_a_value(cls, name)}
    if "grad_clip" not in said or shared.clipping == "global":
        given["grad_clip"] = shared.grad_clip
    given = {"schedule": shared.schedule, "weight_decay_rule": shared.weight_decay_rule} | given
    rate = next((name for name in ("lr", "learning_rate") if name in given), None)
    if given["schedule"] == "doubled" and "warmup_steps" in given and "warmup_epochs" in given:
        reading.leave(f"{at}.warmup_epochs")  # an alias of the steps, which take precedence
        del given["warmup_epochs"]
    if given["schedule"] == "stage" and "peak_lr" in given and rate is None:
        given["lr"] = 0.0
    if len(warm_ups := [name for name in _WARM_UPS if name in given]) > 1:
        reading.add(f"{at}.{warm_ups[1]}", f"is given beside {warm_ups[0]}; keep one")
    made = own_block(cls, given, at, reading, others=True)
    if made is not None and made.peak == 0:
        reading.add(f"{at}.{rate}", "is 0; give a learning rate above 0")
    # 0 means no clipping.
    return made and replace(made, grad_clip=made.grad_clip or None)  # pyright: ignore[reportArgumentType]


def _null_is_a_value(cls: type[OptimizerSettings], name: str) -> bool:
    """Whether null does not mean that the key is left out."""
    return "null" in keys_of(cls).get(name, {}).get("x-says", {})
