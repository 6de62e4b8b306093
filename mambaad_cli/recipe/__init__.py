"""The recipe: every setting of a run, typed and checked, from YAML plus `key=value` overrides."""

from mambaad_cli.recipe.checking import make_recipe, unknown_setting
from mambaad_cli.recipe.files import (
    copy_recipe,
    load_recipe,
    load_words,
    read_settings,
    recipe_names,
    recipe_purpose,
    recipes_folder,
)
from mambaad_cli.recipe.schema import (
    DataConfig,
    ModelConfig,
    OptimConfig,
    Recipe,
    ScoreConfig,
    TrainConfig,
    section_names,
    setting_names,
)

__all__ = [
    "DataConfig",
    "ModelConfig",
    "OptimConfig",
    "Recipe",
    "ScoreConfig",
    "TrainConfig",
    "copy_recipe",
    "load_recipe",
    "load_words",
    "make_recipe",
    "read_settings",
    "recipe_names",
    "recipe_purpose",
    "recipes_folder",
    "section_names",
    "setting_names",
    "unknown_setting",
]
