"""The recipe: every setting of a run, typed and checked, from YAML plus `key=value` overrides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mambaad_cli.errors import RecipeError, UsageError, did_you_mean
from mambaad_cli.scan import METHODS

Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class DataConfig(_Section):
    """What is learned from."""

    dataset: str = "mvtec"  # a name of `mambaad fetch --list`, or folder:PATH
    categories: Literal["all"] | list[str] = "all"
    image_size: Positive = 256  # pixels, both sides
    holdout: Annotated[float, Field(ge=0, lt=1)] = 0.0  # share of the normal pictures to watch, not learn

    @field_validator("categories", mode="before")
    @classmethod
    def _split_words(cls, value: Any) -> Any:
        if isinstance(value, str) and value != "all":
            return [name.strip() for name in value.split(",") if name.strip()]
        return [str(name) for name in value] if isinstance(value, list) else value

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
    kernels: tuple[Positive, ...] = (5, 7)  # depth-wise branches beside the HSS blocks
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
    def _directions_for_each_method(self) -> ModelConfig:
        methods = self.scan.split("+")
        if self.directions % (2 * len(methods)):
            raise ValueError(f"{self.directions} directions cannot be shared by {len(methods)} scan methods")
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

    name: str = "mvtec"
    seed: Annotated[int, Field(ge=0)] = 42
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    optim: OptimConfig = OptimConfig()
    train: TrainConfig = TrainConfig()
    score: ScoreConfig = ScoreConfig()

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        if self.train.batch_size % self.train.accumulate:
            raise ValueError(
                f"train.accumulate = {self.train.accumulate} does not divide "
                f"train.batch_size = {self.train.batch_size}"
            )
        if self.train.patience and not self.data.holdout:
            raise ValueError("train.patience needs pictures to watch: set data.holdout, for example to 0.1")
        return self

    def to_yaml(self) -> str:
        """The complete recipe as YAML; `load_recipe` reads it back to the same recipe."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)


def recipes_folder() -> Path:
    """The folder of the recipes that come with mambaad: inside the package, or beside it in a checkout."""
    inside = Path(__file__).parent / "recipes"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "recipes"


def recipe_names() -> list[str]:
    """Names of the recipes that come with mambaad, for example "mvtec" or "ablation/zigzag"."""
    folder = recipes_folder()
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))


def load_recipe(source: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe by name or file and apply `key=value` overrides.

    Raises:
        RecipeError: no such recipe, broken YAML, or unknown keys and impossible values (all named at once).
    """
    path = _find(str(source))
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"recipe {path} is not valid YAML: {error}") from error
    except OSError as error:
        raise RecipeError(f"recipe {path} cannot be read: {error.strerror}") from error
    if not isinstance(settings, dict):
        raise RecipeError(f"recipe {path} must be a mapping of settings")
    settings.setdefault("name", path.stem)
    for word in overrides:
        _apply(settings, word)
    return make_recipe(settings, origin=str(path))


def load_words(words: Iterable[str], default: str = "mvtec") -> Recipe:
    """Read a recipe as commands take it: its name or file (else `default`), mixed with `key=value` overrides.

    Raises:
        UsageError: more than one recipe; and what `load_recipe` raises.
    """
    words = list(words)
    named = [word for word in words if "=" not in word]
    if len(named) > 1:
        raise UsageError(f"one recipe at a time, not {' and '.join(named)}", "settings are KEY=VALUE")
    return load_recipe(named[0] if named else default, [word for word in words if "=" in word])


def make_recipe(settings: Mapping[str, Any], origin: str) -> Recipe:
    """Check `settings` and build the recipe; `origin` names their source in the message.

    Raises:
        RecipeError: lists every unknown key (with the nearest one) and every impossible value.
    """
    try:
        return Recipe.model_validate(settings)
    except ValidationError as error:
        problems = "\n".join(f"  {_explain(problem)}" for problem in error.errors())
        raise RecipeError(
            f"{origin} has settings that cannot be used:\n{problems}",
            "all settings: mambaad config show",
        ) from None


def setting_names() -> list[str]:
    """The dotted names of all settings, for example "train.epochs"."""
    names = []
    for name, field in Recipe.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            names += [f"{name}.{inner}" for inner in section.model_fields]
        else:
            names.append(name)
    return names


def _find(source: str) -> Path:
    if source.endswith((".yaml", ".yml")):
        path = Path(source)
        if path.is_file():
            return path
        raise RecipeError(f"no recipe file {source}", "recipes that come with mambaad: mambaad config list")
    path = recipes_folder() / f"{source}.yaml"
    if source in recipe_names():
        return path
    raise RecipeError(
        f"no recipe '{source}'{did_you_mean(source, recipe_names())}",
        "recipes: " + ", ".join(recipe_names()) + "\nyour own file: mambaad train PATH.yaml",
    )


def _apply(settings: dict[str, Any], word: str) -> None:
    key, equals, value = word.partition("=")
    if not equals or not key:
        raise RecipeError(f"'{word}' is not KEY=VALUE", "for example: train.epochs=100")
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise RecipeError(f"the value of '{word}' is not valid YAML: {error}") from error
    *sections, leaf = key.split(".")
    for section in sections:
        inner = settings.setdefault(section, {})
        if not isinstance(inner, dict):
            raise RecipeError(f"unknown setting '{key}'{did_you_mean(key, setting_names())}")
        settings = inner
    settings[leaf] = parsed


def _explain(problem: Any) -> str:
    parts = [str(part) for part in problem["loc"] if part not in ("literal['all']", "list[str]")]
    key = ".".join(parts)
    if problem["type"] == "extra_forbidden":
        return f"unknown setting '{key}'{did_you_mean(key, setting_names())}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    # What several settings are to each other is said in the message; the section itself helps nobody.
    return message if isinstance(problem["input"], dict) else f"{key} = {problem['input']!r}: {message}"
