"""Where the expressions of `torch.toml` are evaluated: torch's own composite layers, alone and in a small model."""

import torch
import torch.nn.functional as F
from torch import nn


class Captioner(nn.Module):
    """Patches of an image through torch's encoder, tokens through torch's decoder."""

    def __init__(self, vocabulary: int = 50, width: int = 32, heads: int = 4, depth: int = 2):
        super().__init__()
        self.patches = nn.Conv2d(3, width, kernel_size=8, stride=8)
        self.positions = nn.Parameter(torch.randn(1, 16, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, heads, 2 * width, batch_first=True, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, depth)
        self.tokens = nn.Embedding(vocabulary, width)
        layer = nn.TransformerDecoderLayer(width, heads, 2 * width, batch_first=True)
        self.decoder = nn.TransformerDecoder(layer, depth)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, image: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        memory = self.patches(image).flatten(2).transpose(1, 2) + self.positions
        memory = self.encoder(F.dropout(memory, 0.1, self.training))
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
        return self.head(self.decoder(self.tokens(tokens), memory, tgt_mask=mask))
