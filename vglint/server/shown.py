"""What is shown over a layer, and above a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vglint.regex import regex
from vglint.report.markdown import code
from vglint.report.view import visible
from vglint.server.message import Described, Layer, Model

_MOST_ROWS = 12
_SELF = regex(r"\bself\.([A-Za-z_]\w*)")


def at(described: Described, cell: int | None, line: int, column: int, text: str) -> tuple[Layer, ...]:
    """Returns the layers at a place of a file, line and column from 1: those that the line makes; else the layer `self.name` under the
    column, in the model whose class stands above.

    `text` is the line. Where several expressions of the line are layers, those that hold the column count.
    """
    here = [layer for layer in described.layers if layer.cell == cell and _covers(layer, line)]
    exact = [layer for layer in here if _holds(layer, line, column)]
    if exact:
        smallest = min(_size(layer) for layer in exact)
        return tuple(layer for layer in exact if _size(layer) == smallest)
    if here:
        return tuple(here)
    name = next((found[1] for found in _SELF.finditer(text) if found.start() < column <= found.end() + 1), None)
    above = [model for model in described.models if model.cell == cell and model.span.line <= line]
    if name is None or not above:
        return ()
    entry = max(above, key=lambda model: model.span.line).entry
    return tuple(
        layer
        for layer in described.layers
        if layer.entry == entry and layer.is_leaf and (layer.path == name or layer.path.startswith(f"{name}."))
    )


def _covers(layer: Layer, line: int) -> bool:
    return layer.span.line <= line <= layer.span.end_line


def _holds(layer: Layer, line: int, column: int) -> bool:
    span = layer.span
    return (span.line, span.column) <= (line, column) < (span.end_line, span.end_column)


def _size(layer: Layer) -> tuple[int, int]:
    span = layer.span
    return span.end_line - span.line, span.end_column - span.column if span.end_line == span.line else 0


def markdown(layers: Sequence[Layer]) -> str:
    """Returns a table of layers: what flows through them, as it is predicted at initialisation."""
    lines: list[str] = []
    for entry in dict.fromkeys(layer.entry for layer in layers):
        if len(lines) > 2 * _MOST_ROWS:
            break
        lines += [""] if lines else []
        lines += _table(entry, [layer for layer in layers if layer.entry == entry])
    last = next((layer.last for layer in layers if layer.last), "")
    over = f", relative to {code(last)}" if last else ""
    lines += [
        "",
        "Predicted at initialisation. *signal*: mean square of the output; *gain*: what the layer does to the gradient on its way back; "
        f"*gradient*: the one at its output{over}.",
    ]
    return "\n".join(lines)


def _table(entry: str, layers: Sequence[Layer]) -> list[str]:
    texts = list(dict.fromkeys(layer.text for layer in layers))
    title = code(texts[0]) if len(texts) == 1 else f"{len(texts)} operations"
    shapes = any(layer.shape for layer in layers)
    return [
        f"{title} in {code(entry)}",
        "",
        f"| | signal | gain | gradient |{' shape |' if shapes else ''}",
        f"|---|---|---|---|{'---|' if shapes else ''}",
        *_rows(layers, len(texts) > 1, shapes),
    ]


def _rows(layers: Sequence[Layer], with_text: bool, shapes: bool) -> Iterator[str]:
    shown = list(layers)
    left = len(shown) - _MOST_ROWS
    if left > 1:
        shown = [*shown[: _MOST_ROWS // 2], *shown[-_MOST_ROWS // 2 :]]
    for number, layer in enumerate(shown):
        if left > 1 and number == _MOST_ROWS // 2:
            yield f"| … {left} more | | | |{' |' if shapes else ''}"
        named = [layer.path] if layer.path else []
        named += [layer.text] if with_text or not layer.path else []
        cells = [" ".join(code(each.replace("|", "∣")) for each in named if each)]
        cells += [layer.signal or "?", layer.gain or "?", layer.gradient or "?"]
        cells += [code(layer.shape.replace("|", "∣")) if layer.shape else ""] if shapes else []
        yield f"| {' | '.join(cells)} |"


def titled(models: Sequence[Model]) -> list[tuple[Model, str]]:
    """Returns what is said above each class: where several models are made of one, each with its entry."""
    places = [(model.cell, model.span.line) for model in models]
    return [
        (model, visible(model.text if places.count(place) == 1 else f"{model.entry}: {model.text}"))
        for model, place in zip(models, places, strict=True)
    ]
