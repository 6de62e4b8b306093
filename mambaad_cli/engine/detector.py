"""A trained run, ready to look at pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mambaad_cli.data.images import read_image, resize_picture
from mambaad_cli.engine.checkpoint import load_checkpoint, restore
from mambaad_cli.engine.device import choose_device, memory_guard
from mambaad_cli.engine.runs import find_run, read_recipe
from mambaad_cli.model.mambaad import MambaAD
from mambaad_cli.model.scoring import anomaly_map, image_scores, scale_maps, smooth
from mambaad_cli.recipe import Recipe

Picture = str | Path | Image.Image | NDArray[np.uint8]


@dataclass(frozen=True)
class Detector:
    """A network with its recipe; make one with `Detector.load`.

    Attributes:
        run: the folder it came from.
        recipe: what it was trained with.
        epoch: how many epochs it has been trained for; a fraction when the last one is not complete.
    """

    run: Path
    recipe: Recipe
    epoch: float
    model: MambaAD
    device: torch.device

    @classmethod
    def load(cls, run: str | Path = "latest", device: str = "auto") -> Detector:
        """Load the last checkpoint of a run: a folder, a unique prefix of its name, or "latest".

        Raises:
            RunError: no such run, no checkpoint, or one of another recipe.
            DeviceError: the device cannot be used here.
        """
        folder = find_run(str(run))
        recipe = read_recipe(folder)
        model = MambaAD(recipe.model)
        content = load_checkpoint(folder)
        restore(model, content, folder, averaged=True)
        chosen = choose_device(device)
        return cls(folder, recipe, content["epoch"], model.eval().to(chosen), chosen)

    @property
    def size(self) -> int:
        """Side of the square that pictures are resized to, in pixels."""
        return self.recipe.data.image_size

    def predict(self, pictures: Sequence[Picture]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Look at pictures of any size.

        Args:
            pictures: B files, PIL images or uint8 arrays (H, W, 3).

        Returns:
            maps (B, S, S), S the recipe's image size, and scores (B,); higher is more anomalous.

        Raises:
            DataError: a file is missing or broken.
        """
        return self.predict_resized(np.stack([self._resize(picture) for picture in pictures]))

    @torch.inference_mode()
    def predict_resized(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Like `predict` for pictures (B, S, S, 3) that have the right size already."""
        with memory_guard("smaller batches need less: --batch-size 1"):
            images = self.model.normalise(torch.from_numpy(pictures).to(self.device))
            teacher, student = self.model(images)
            maps = smooth(anomaly_map(teacher, student, (self.size, self.size)), self.recipe.score.sigma)
            return maps.cpu().numpy(), image_scores(maps).cpu().numpy()

    @torch.inference_mode()
    def scale_maps(self, pictures: Sequence[Picture]) -> NDArray[np.float32]:
        """The smoothed map of each scale, finest first: (B, 3, S, S). Their mean is the map of `predict`."""
        resized = np.stack([self._resize(picture) for picture in pictures])
        with memory_guard("smaller batches need less: --batch-size 1"):
            images = self.model.normalise(torch.from_numpy(resized).to(self.device))
            teacher, student = self.model(images)
            maps = scale_maps(teacher, student, (self.size, self.size))
            return smooth(maps.flatten(0, 1), self.recipe.score.sigma).view(maps.shape).cpu().numpy()

    def _resize(self, picture: Picture) -> NDArray[np.uint8]:
        if isinstance(picture, str | Path):
            return read_image(Path(picture), self.size)
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        return resize_picture(image, self.size)
