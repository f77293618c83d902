"""The blocks `optimizer.<name>`. Defaults of the numbers after `grad_clip` are optax's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, replace
from typing import Annotated, Any, ClassVar, Literal, get_args

from cgcore.config.keys import MOST_STEPS, Number, Whole, block, key
from cgcore.config.names import canonical, checked, mapping, own_block, unknown
from cgcore.config.problems import Problems

OptimizerName = Literal["adabelief", "yogi", "adam", "lion", "sgd_nesterov", "polyak_sgd", "fromage"]

LearningRate = Annotated[
    Number,
    key(
        "Learning rate; beside `peak_lr`, the one that warm-up begins with (0 where it is left out).",
        also=("learning_rate",),
        ge=0,
    ),
]
GradClip = Annotated[
    Number | None, key("Largest global norm of a gradient; 0 does not clip.", ge=0, default="`optimizer.grad_clip`")
]
Epsilon = Annotated[Number, key("Added to a denominator.", ge=0, le=1)]
EpsilonRoot = Annotated[Number, key("Added under a root.", ge=0, le=1)]
FirstMoment = Annotated[Number, key("Decay rate of the first moment.", also=("beta1",), ge=0, lt=1)]
SecondMoment = Annotated[Number, key("Decay rate of the second moment.", also=("beta2",), ge=0, lt=1)]


@block("optimizer")
class OptimizerSettings:
    """What all optimizers have: learning rates, warm-up, weight decay and clipping."""

    name: ClassVar[OptimizerName]

    lr: LearningRate = 1e-3
    peak_lr: Annotated[
        Number | None, key("Learning rate after warm-up.", gt=0, default="`lr`, and warm-up begins with 0")
    ] = None
    end_lr: Annotated[Number, key("Learning rate at the end of the cosine.", ge=0)] = 0.0
    warmup_fraction: Annotated[
        Number, key("Linear warm-up, as a part of the steps; one of the three ways to say it.", ge=0, lt=1)
    ] = 0.05
    warmup_epochs: Annotated[Number | None, key("The same in epochs.", unit="epochs", ge=0, le=1e6)] = None
    warmup_steps: Annotated[Whole | None, key("The same in steps.", unit="steps", ge=0, le=MOST_STEPS)] = None
    decay_steps: Annotated[
        Whole | None,
        key("Steps, warm-up included, after which `end_lr` is reached.", unit="steps", ge=1, le=MOST_STEPS,
            default="those of the stage"),
    ] = None  # fmt: skip
    weight_decay: Annotated[
        Number, key("Decoupled weight decay of the network's parameters, never of the prior's.", ge=0)
    ] = 0.0
    grad_clip: GradClip = None

    @property
    def start(self) -> float:
        """Learning rate at the start of warm-up."""
        return 0.0 if self.peak_lr is None else self.lr

    @property
    def peak(self) -> float:
        """Learning rate after warm-up."""
        return self.lr if self.peak_lr is None else self.peak_lr

    @property
    def hyperparameters(self) -> dict[str, float]:
        """The numbers of this optimizer alone, by optax's names."""
        shared = {one.name for one in fields(OptimizerSettings)}  # pyright: ignore[reportArgumentType]
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in shared}  # pyright: ignore[reportArgumentType]


@block("optimizer.adabelief")
class Adabelief(OptimizerSettings):
    """AdaBelief."""

    name: ClassVar[OptimizerName] = "adabelief"
    b1: FirstMoment = 0.9
    b2: SecondMoment = 0.999
    eps: Epsilon = 1e-16
    eps_root: EpsilonRoot = 1e-16


@block("optimizer.yogi")
class Yogi(OptimizerSettings):
    """Yogi."""

    name: ClassVar[OptimizerName] = "yogi"
    b1: FirstMoment = 0.9
    b2: SecondMoment = 0.999
    eps: Epsilon = 1e-3


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
    f_min: Annotated[Number, key("Lowest loss that can be reached.", unit="(kcal/mol/Å)²", ge=0)] = 0.0
    eps: Epsilon = 0.0


@block("optimizer.fromage")
class Fromage(OptimizerSettings):
    """Fromage."""

    name: ClassVar[OptimizerName] = "fromage"
    lr: LearningRate = 1e-2
    min_norm: Annotated[Number, key("Smallest norm that a step is scaled by.", ge=0)] = 1e-6


OPTIMIZERS: Mapping[str, type[OptimizerSettings]] = {
    cls.name: cls for cls in (Adabelief, Yogi, Adam, Lion, SgdNesterov, PolyakSgd, Fromage)
}
assert set(OPTIMIZERS) == set(get_args(OptimizerName))


@block("optimizer")
class OptimizersKeys:
    """The optimizers that stages may use."""

    grad_clip: Annotated[
        Number | None, key("Largest global norm of a gradient, for optimizers that do not say.", ge=0, default="any")
    ] = None
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


def optimizers_of(value: Any, problems: Problems) -> dict[str, OptimizerSettings]:
    """Every optimizer as the block `optimizer` configures it; those that are wrong are left out."""
    said = mapping({} if value is None else value, "optimizer", problems)
    names = canonical(OptimizersKeys)
    for name in said:
        if name not in names:
            problems.add(f"optimizer.{name}", unknown(name, names))
    shared = checked(OptimizersKeys, {"grad_clip": said.get("grad_clip")}, "optimizer", problems)
    clip = None if shared is None else shared.grad_clip
    made = {name: _optimizer(cls, said.get(name), clip, problems) for name, cls in OPTIMIZERS.items()}
    return {name: settings for name, settings in made.items() if settings is not None}


def _optimizer(
    cls: type[OptimizerSettings], value: Any, clip: float | None, problems: Problems
) -> OptimizerSettings | None:
    at = f"optimizer.{cls.name}"
    said = mapping({} if value is None else value, at, problems)
    given = {name: inside for name, inside in said.items() if inside is not None}
    if "grad_clip" not in said:
        given["grad_clip"] = clip
    rate = next((name for name in ("lr", "learning_rate") if name in given), None)
    if "peak_lr" in given and rate is None:
        given["lr"] = 0.0
    if len(warm_ups := [name for name in _WARM_UPS if name in given]) > 1:
        problems.add(f"{at}.{warm_ups[1]}", f"is given beside {warm_ups[0]}; keep one")
    made = own_block(cls, given, at, problems)
    if made is not None and made.peak == 0:
        problems.add(f"{at}.{rate}", "is 0; give a learning rate above 0")
    # 0 means that nothing is clipped.
    return made and replace(made, grad_clip=made.grad_clip or None)  # pyright: ignore[reportArgumentType]
