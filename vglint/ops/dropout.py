"""Dropout in its forms."""

from __future__ import annotations

from vglint.ops.entry import Entry
from vglint.ops.shapes import same

ENTRIES = (
    Entry(
        "dropout",
        "dropout",
        "zeroes elements with probability p and scales the rest by 1 / (1 - p)",
        same,
        """nn.Dropout(p=0.5, -inplace=False)(%input)
        F.dropout(%input, p=0.5, training=True, -inplace=False)
        torch.dropout torch.dropout_ (%input, p, train)""",
    ).having("carries_terms", "breaks_selu", "map_places"),
    *(
        Entry(
            f"dropout{rank}d",
            "dropout",
            "zeroes whole channels with probability p and scales the rest by 1 / (1 - p)",
            same,
            f"""nn.Dropout{rank}d(p=0.5, -inplace=False)(%input)
            F.dropout{rank}d(%input, p=0.5, training=True, -inplace=False)""",
        )
        for rank in (1, 2, 3)
    ),
    Entry(
        "feature_dropout",
        "dropout",
        "zeroes whole channels with probability p",
        same,
        """torch.feature_dropout torch.feature_dropout_ (%input, p, train)""",
    ),
    Entry(
        "alpha_dropout",
        "dropout",
        "dropout that keeps the mean and variance of a self-normalising network",
        same,
        """nn.AlphaDropout(p=0.5, -inplace=False)(%input)
        F.alpha_dropout(%input, p=0.5, training=False, -inplace=False)
        torch.alpha_dropout torch.alpha_dropout_ (%input, p, train)""",
    ),
    Entry(
        "feature_alpha_dropout",
        "dropout",
        "alpha dropout of whole channels",
        same,
        """nn.FeatureAlphaDropout(p=0.5, -inplace=False)(%input)
        F.feature_alpha_dropout(%input, p=0.5, training=False, -inplace=False)
        torch.feature_alpha_dropout torch.feature_alpha_dropout_ (%input, p, train)""",
    ),
)
