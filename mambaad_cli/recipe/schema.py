"""Every setting of a run: its name, type, default, limits, and how it has to fit to others."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mambaad_cli.errors import did_you_mean
from mambaad_cli.recipe.plain_yaml import write_yaml
from mambaad_cli.scan import METHODS

Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


def _raise_all(problems: list[str]) -> None:
    """Raise the problems of a validator as one error, a line each; none: nothing happens."""
    if problems:
        raise ValueError("\n".join(problems))


class _Section(BaseModel):
    """Part of a recipe."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        protected_namespaces=(),
        allow_inf_nan=False,
        coerce_numbers_to_str=True,  # a recipe may be called 2024, a category 7
    )


class DataConfig(_Section):
    """What is learned from."""

    dataset: str = "mvtec"  # a name of `mambaad fetch --list`, or folder:PATH
    categories: Literal["all"] | list[str] = "all"
    image_size: Positive = 256  # pixels, both sides
    holdout: Annotated[float, Field(ge=0, lt=1)] = 0.0  # share of the normal pictures to watch, not learn

    @property
    def named(self) -> list[str] | None:
        """The categories by their names; None for all that are there."""
        return None if self.categories == "all" else self.categories

    @field_validator("categories", mode="before")
    @classmethod
    def _split_words(cls, value: Any) -> Any:
        if isinstance(value, str | int) and value != "all":
            return [name.strip() for name in str(value).split(",") if name.strip()]
        return value

    @field_validator("image_size")
    @classmethod
    def _whole_grid(cls, value: int) -> int:
        if value % 32:
            raise ValueError("must be a multiple of 32, the stride of the deepest map")
        return value


class ModelConfig(_Section):
    """The network. The defaults are the paper's (section 4.1 and its released configuration)."""

    encoder: str = "resnet34.bt_in1k"  # a timm name
    encoder_weights: str = "pretrained"  # "pretrained", "none" (random) or the path of a file
    depths: tuple[Positive, Positive, Positive, Positive] = (3, 4, 6, 3)  # HSS blocks per stage, coarse first
    hss: bool = True  # false: no HSS blocks, only the depth-wise branches (paper, table 3)
    kernels: tuple[Positive, ...] = (5, 7)  # depth-wise branches beside the HSS blocks; [] for none
    scan: str = "hilbert"  # or several that share the directions: "zigzag+hilbert"
    directions: Literal[2, 4, 8] = 8
    state: Positive = 16
    expand: Positive = 2
    drop_path: Fraction = 0.2

    @field_validator("depths")
    @classmethod
    def _whole_modules(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(depth % 3 and depth % 2 for depth in value):
            raise ValueError("each must be divisible by 3 or 2: an LSS module holds 3 or 2 HSS blocks")
        return value

    @field_validator("kernels")
    @classmethod
    def _odd(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(kernel % 2 == 0 for kernel in value):
            raise ValueError("kernel sizes must be odd")
        return value

    @field_validator("scan")
    @classmethod
    def _known_method(cls, value: str) -> str:
        for method in value.split("+"):
            if method not in METHODS:
                raise ValueError(f"must be one of {', '.join(METHODS)}{did_you_mean(method, METHODS)}")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> ModelConfig:
        problems = []
        if self.directions % (2 * len(self.scan.split("+"))):
            problems.append(
                f"model.scan = {self.scan}: its methods cannot share model.directions = {self.directions}; "
                "each takes 2, 4 or 8"
            )
        if not self.hss and not self.kernels:
            problems.append("model.hss = false and model.kernels = [] leave nothing to learn with")
        _raise_all(problems)
        return self


class OptimConfig(_Section):
    """The optimisation: AdamW. The defaults are the published ones."""

    lr: Annotated[float, Field(gt=0)] = 0.005
    schedule: Literal["step", "cosine"] = "step"  # "cosine" falls to 0
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0  # share of the steps in which the rate rises to lr
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    clip: Annotated[float, Field(gt=0)] = 5.0  # global gradient norm
    decay_at: Fraction = 0.8  # "step": share of the steps after which the rate drops
    decay_factor: Annotated[float, Field(gt=0, le=1)] = 0.1  # "step": to this share
    loss: Literal["mse", "cosine"] = "mse"  # distance of the features of each scale
    loss_weight: Annotated[float, Field(gt=0)] = 5.0  # times the sum of the losses over scales
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0  # decay of the averaged weights that are kept; 0: none


class TrainConfig(_Section):
    """How long and in what portions."""

    epochs: Positive = 500
    batch_size: Positive = 16  # pictures of one optimizer step, over all processes
    accumulate: Positive = 1  # portions that a process computes its part of a batch in
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"  # of matrix products; the scan's state is fp32 always
    recompute: bool = False  # keep fewer activations and compute them again in the backward pass
    patience: Annotated[int, Field(ge=0)] = 0  # stop after so many epochs without a better held-back loss
    checkpoint_minutes: Annotated[float, Field(ge=0)] = 5.0  # at most so much is lost; 0: every step


class ScoreConfig(_Section):
    """From feature distances to scores."""

    sigma: Annotated[float, Field(ge=0)] = 4.0  # Gaussian smoothing of the map, pixels


class Recipe(_Section):
    """All settings of a run."""

    name: Annotated[str, Field(pattern=r"^\w[\w.+ /-]*$")] = "mvtec"  # the run's folder begins with it
    seed: Annotated[int, Field(ge=0)] = 42
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    optim: OptimConfig = OptimConfig()
    train: TrainConfig = TrainConfig()
    score: ScoreConfig = ScoreConfig()

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        problems = []
        if self.train.batch_size % self.train.accumulate:
            problems.append(
                f"train.accumulate = {self.train.accumulate} does not divide "
                f"train.batch_size = {self.train.batch_size}"
            )
        if self.train.patience and not self.data.holdout:
            problems.append("train.patience needs pictures to watch: set data.holdout, for example to 0.1")
        _raise_all(problems)
        return self

    def to_yaml(self) -> str:
        """The complete recipe as YAML; `load_recipe` reads it back to the same recipe."""
        return write_yaml(self.model_dump(mode="json"))


_SECTIONS: dict[str, type[BaseModel]] = {
    name: field.annotation
    for name, field in Recipe.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
}


def section_names() -> list[str]:
    """The names of the sections, for example "train"."""
    return list(_SECTIONS)


def setting_names() -> list[str]:
    """The dotted names of all settings, for example "train.epochs"."""
    names = []
    for name in Recipe.model_fields:
        section = _SECTIONS.get(name)
        names += [f"{name}.{leaf}" for leaf in section.model_fields] if section else [name]
    return names
