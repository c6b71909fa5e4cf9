"""A tiny SDXL with the real tokenizers' form."""

from typing import Any

import pytest

from avatar.sdxl.sources import BASE, REFINER
from tests.avatar.tiny_sdxl import build_tiny_sdxl


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline

    folder = build_tiny_sdxl(tmp_path_factory.mktemp("tiny"))
    base = StableDiffusionXLPipeline.from_pretrained(folder / BASE)
    refiner = StableDiffusionXLImg2ImgPipeline.from_pretrained(folder / REFINER)
    for pipeline in (base, refiner):
        pipeline.set_progress_bar_config(disable=True)
    return {BASE: base, REFINER: refiner}


@pytest.fixture(scope="module")
def base(pipelines: dict[str, Any]) -> Any:
    return pipelines[BASE]
