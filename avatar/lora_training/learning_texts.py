"""Text encoders that learn a LoRA along with the UNet: captions are then read anew in every step."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from avatar.lora_training.denoising_loss import CaptionedLatents
from avatar.prompt.tokens import tokenizers_of

TEXT_TARGETS = ("q_proj", "k_proj", "v_proj", "out_proj")  # ends of the names of a text encoder's layers that learn


class UNetWithTexts(nn.Module):
    """A base's UNet and text encoders, which is called as the UNet is."""

    def __init__(self, base: Any) -> None:
        super().__init__()
        self.unet = base.unet
        self.text_encoder, self.text_encoder_2 = base.text_encoder, base.text_encoder_2

    def forward(self, *inputs: Any, **conditions: Any) -> Any:
        """What the UNet predicts."""
        return self.unet(*inputs, **conditions)

    def read(self, latents: CaptionedLatents) -> CaptionedLatents:
        """The same pictures with their captions as the encoders embed them now."""
        numbers, places = latents.caption.unique(return_inverse=True)
        states = []
        for encoder, tokens in zip((self.text_encoder, self.text_encoder_2), latents.tokens, strict=True):
            output = encoder(tokens[numbers].to(encoder.device), output_hidden_states=True)
            states.append(output.hidden_states[-2])  # the second to last layer, as SDXL was trained
        return replace(latents, text=torch.cat(states, dim=-1), pooled=output[0], caption=places)


def tokens_of(base: Any, texts: Sequence[str]) -> tuple[Tensor, ...]:
    """Token numbers of texts for each text encoder, (U, 77) int64."""
    return tuple(
        tokenizer(
            list(texts),
            padding="max_length",
            max_length=tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        )["input_ids"]
        for tokenizer in tokenizers_of(base)
    )


def parts_of(network: nn.Module) -> Mapping[str, nn.Module]:
    """Networks that learn, by their names in a pipeline: of a UNet alone or with texts."""
    return dict(network.named_children()) if isinstance(network, UNetWithTexts) else {"unet": network}
