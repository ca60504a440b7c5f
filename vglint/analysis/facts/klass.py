"""Facts of a module class: which of its layers training cannot see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import ModuleInfo


@dataclass(frozen=True)
class ClassView:
    """One class graph with its modules."""

    view: View

    @cached_property
    def unseen(self) -> tuple[ModuleInfo, ...]:
        """Layers that forward ran and whose parameters `parameters()` does not list when the model is built."""
        return tuple(
            module
            for module in self.view.graph.modules
            if not module.registered and module.called and self._has_parameters(module)
        )

    @cached_property
    def hidden(self) -> tuple[ModuleInfo, ...]:
        """Those of them that are kept in a plain list or dict."""
        named = {child for module in self.view.graph.modules for child in module.children}
        return tuple(module for module in self.unseen if module.path not in named and not module.path.startswith("<"))

    @cached_property
    def passing(self) -> tuple[ModuleInfo, ...]:
        """Those of them that nothing keeps: forward builds them anew each time."""
        return tuple(
            module for module in self.unseen if module.path.startswith("<") and module.path.endswith(" of forward>")
        )

    def _has_parameters(self, module: ModuleInfo) -> bool:
        """Whether a module holds parameters that training would move: buffers and what is frozen are kept out of its sight on purpose."""
        return any(
            self.view.trains(node.index) and (node.path == module.path or node.path.startswith(module.path + "."))
            for node in self.view.graph.nodes
        )


def class_views(view: View) -> Iterator[ClassView]:
    """Yields the graph's class."""
    if view.graph.kind in ("class", "expression"):
        yield ClassView(view)


@fact("class", "places")
def unregistered(found: ClassView) -> tuple[Place, ...]:
    """Layers with parameters that forward runs but that hide in a plain list, tuple or dict, so that `parameters()`, `.to()`
    and `state_dict()` do not see them."""
    return tuple(dict.fromkeys(Place(module.span, module.path) for module in found.hidden))


@fact("class", "texts")
def unregistered_layers(found: ClassView) -> tuple[str, ...]:
    """The paths of those layers."""
    return tuple(dict.fromkeys(module.path for module in found.hidden))


@fact("class", "places")
def built_in_forward(found: ClassView) -> tuple[Place, ...]:
    """Layers with parameters that forward builds, uses and forgets."""
    return tuple(dict.fromkeys(Place(module.span, module.type.rpartition(".")[2]) for module in found.passing))


@fact("class", "texts")
def built_types(found: ClassView) -> tuple[str, ...]:
    """The classes of those layers."""
    return tuple(dict.fromkeys(module.type.rpartition(".")[2] for module in found.passing))
