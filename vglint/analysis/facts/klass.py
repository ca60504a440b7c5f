"""Facts of a module class: which of its layers training cannot see."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from vglint import ops
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import ModuleInfo, Node, Parameter
from vglint.value import Expr, Unknown

RANDOM = frozenset(
    "normal uniform trunc_normal kaiming_normal kaiming_uniform xavier_normal xavier_uniform orthogonal".split()
)
"""Initialisations by random numbers."""


class ClassView(Struct, frozen=True, dict=True):
    """One class graph with its modules."""

    view: View

    @cached_property
    def unseen(self) -> tuple[ModuleInfo, ...]:
        """Layers that forward ran and whose parameters `parameters()` does not list when the model is built."""
        return tuple(
            module
            for module in self.view.graph.modules
            if not module.registered and module.called and module.path in self._with_parameters
        )

    @cached_property
    def hidden(self) -> tuple[ModuleInfo, ...]:
        """Those of them that are kept in a plain list or dict, and whose parameters training code gives to no optimiser by itself."""
        named = {child for module in self.view.graph.modules for child in module.children}
        return tuple(
            module
            for module in self.unseen
            if module.path not in named and not module.path.startswith("<") and not self._given(module)
        )

    def _given(self, module: ModuleInfo) -> bool:
        own = [self.view.graph.parameters[index] for index in self.view.parameters_under(module.path)]
        return bool(own) and all(self._is_moved(each) for each in own)

    def _is_moved(self, parameter: Parameter) -> bool:
        """Whether an optimiser is given a parameter, and not only those of listed layers of the same class, which are made on the same line."""
        listed = sum(each.registered and each.span == parameter.span for each in self.view.graph.parameters)
        return parameter.span is not None and self.view.context.moved.get(parameter.span, 0) > listed

    @cached_property
    def passing(self) -> tuple[ModuleInfo, ...]:
        """Those of them that forward builds anew each time, and forgets or puts in the place of the last ones."""
        inner = {child for module in self.unseen if module.anew for child in module.children}
        return tuple(
            module
            for module in self.unseen
            if (module.path.startswith("<") and module.path.endswith(" of forward>"))
            or (module.anew and module.path not in inner and not module.path.startswith("<"))
        )

    @cached_property
    def passing_parameters(self) -> tuple[Parameter, ...]:
        """Parameters of random numbers that forward makes at every call. Noise of as many rows as there are inputs is no weight."""
        used = {index for node in self.view.graph.nodes if node.op == "parameter" for _, index in node.params}
        found = [parameter for index, parameter in enumerate(self.view.graph.parameters) if index in used]
        found = [each for each in found if each.anew and each.trainable and each.init.scheme in RANDOM]
        return tuple(each for each in found if each.shape is not None and not _is_as_long_as_a_batch(each))

    @cached_property
    def replaced_parameters(self) -> tuple[Parameter, ...]:
        """Parameters that forward computes, makes new ones of and stores in the module at every call."""
        used = {index for node in self.view.graph.nodes if node.op == "parameter" for _, index in node.params}
        found = [parameter for index, parameter in enumerate(self.view.graph.parameters) if index in used]
        stored = [each for each in found if each.anew and each.trainable and each.registered and not each.leaf]
        named = [each for each in stored if each.path.rpartition(".")[2].isidentifier() and each.path[0] != "<"]
        return tuple(each for each in named if each.init.scheme == "unknown")

    @cached_property
    def loose(self) -> tuple[tuple[Parameter, str], ...]:
        """Parameters that forward uses and no module lists, each with why: `listed` in a plain list, tuple or dict, `computed` from an
        `nn.Parameter` when it was stored, a `leaf` that is no `nn.Parameter`. Those that an optimiser is given by itself are none."""
        found: dict[int, str] = {}
        for node in self.view.graph.nodes:
            for _, index in node.params if node.op == "parameter" else ():
                parameter = self.view.graph.parameters[index]
                if parameter.span is None or parameter.span in self.view.context.moved or parameter.anew:
                    continue
                if parameter.path.startswith("<"):
                    continue  # of a module that is no part of this one, which lists it
                if parameter.leaf and parameter.path == "value" and self.view.graph.root.startswith("torch."):
                    continue  # what a model of torch's own layers is called with, such as points of a grid
                readers = self.view.readers[node.index]
                if any(self.view.graph.nodes[reader].op == "join" for reader in readers):
                    continue  # a branch decides which parameter is registered
                if readers and all(self.view.kinds[reader] == "cut" for reader in readers):
                    continue  # its numbers alone are wanted: `.data`
                if parameter.leaf:
                    found[index] = "leaf"
                elif parameter.trainable and not parameter.buffer and not parameter.registered:
                    found[index] = "computed" if self._stored_changed(node, parameter) else "listed"
        loose = [(self.view.graph.parameters[index], why) for index, why in found.items()]
        return tuple(sorted(loose, key=lambda each: each[0].span.line if each[0].span is not None else 0))

    def _stored_changed(self, node: Node, parameter: Parameter) -> bool:
        """Whether what is stored is something computed from a parameter on the line that makes it: `nn.Parameter(…).cuda()`."""
        readers = [self.view.graph.nodes[index] for index in self.view.readers[node.index]]
        return any(parameter.span is not None and reader.span.line == parameter.span.line for reader in readers)

    @cached_property
    def _with_parameters(self) -> frozenset[str]:
        """The paths of modules that hold parameters which training would move, with those around them: buffers and what is frozen are kept
        out of its sight on purpose."""
        found: set[str] = set()
        for node in self.view.graph.nodes:
            path = node.path
            if path in found or not self.view.trains(node.index):
                continue
            found.add(path)
            while (dot := path.rfind(".")) >= 0 and (path := path[:dot]) not in found:
                found.add(path)
        return frozenset(found)


def class_views(view: View) -> Iterator[ClassView]:
    """Yields the graph's class; weights that a program multiplies by hand are of none."""
    if view.graph.kind in ("class", "expression") and view.graph.root:
        yield ClassView(view)


@fact("class", "places")
def unregistered(found: ClassView) -> tuple[Place, ...]:
    """Layers with parameters that forward runs but that hide in a plain list, tuple or dict, so that `parameters()`, `.to()`
    and `state_dict()` do not see them."""
    return tuple(dict.fromkeys(Place(module.span, module.path) for module in found.hidden))


def loose_parameters(found: ClassView) -> tuple[Place, ...]:
    """Parameters that forward uses and that `parameters()` does not list: in a plain list or dict, computed from an `nn.Parameter` when they
    were stored (`nn.Parameter(…).cuda()`), or tensors that require a gradient and are no `nn.Parameter`."""
    return tuple(dict.fromkeys(Place(each.span, "parameter") for each, _ in found.loose if each.span is not None))


@fact("class", "text")
def loose_kind(found: ClassView) -> str:
    """Why the first of them is not listed: `listed`, `computed`, `leaf`; `none`."""
    return next((why for each, why in found.loose if each.span is not None), "none")


@fact("class", "places")
def unlisted(found: ClassView) -> tuple[Place, ...]:
    """What `unregistered` names, then what `loose_parameters` names."""
    return unregistered(found) + loose_parameters(found)


@fact("class", "texts")
def unregistered_layers(found: ClassView) -> tuple[str, ...]:
    """The paths of those layers."""
    return tuple(dict.fromkeys(module.path for module in found.hidden))


@fact("class", "places")
def built_in_forward(found: ClassView) -> tuple[Place, ...]:
    """Layers with parameters, and random parameters, that forward builds and uses at every call."""
    places = [Place(module.span, module.type.rpartition(".")[2]) for module in found.passing]
    made = (*found.passing_parameters, *found.replaced_parameters)
    places += [Place(each.span, "Parameter") for each in made if each.span is not None]
    return tuple(dict.fromkeys(places))


def _is_as_long_as_a_batch(parameter: Parameter) -> bool:
    """Whether the first size of a parameter is that of an input, or of something on the way: `x.size(0)`."""
    first = parameter.shape[0] if parameter.shape else None
    return isinstance(first, Expr) and any(name.endswith((".B", ".0")) for name in first.symbols())


@fact("class", "flag")
def only_replaced(found: ClassView) -> bool:
    """All that forward builds are parameters of values that it computed."""
    return bool(found.replaced_parameters) and not found.passing and not found.passing_parameters


@fact("class", "flag")
def only_norms_built(found: ClassView) -> bool:
    """All layers that forward builds are normalisations."""
    spellings = [ops.find(module.type) for module in found.passing]
    return bool(spellings) and all(each is not None and ops.kind(each.op) == "norm" for each in spellings)


@fact("class", "places")
def outputs_cut(found: ClassView) -> tuple[Place, ...] | Unknown:
    """The calls of `.detach()` or `.data` that cut everything that forward returns from every weight that training would move. Unknown
    where the way back from an output meets a gap, where the class is a part of another one, which may want it so, and where training code
    shows what is trained."""
    view = found.view
    root = view.graph.root
    if (
        root in view.context.parts
        or root in view.context.optimizers
        or view.graph.alternative  # a switch that is off by default: who sets it asks for what it does
        or any(True for _ in view.nodes("backward", "grad"))
    ):
        return unknown("what uses the class may want it so")
    cuts: dict[int, None] = {}
    for _, output in view.graph.outputs:
        if not any(view.trains(index) for index in view.before([output])):
            continue
        open_ = view.before([output], lambda node: not view.carries_gradient(node))
        nodes = [view.graph.nodes[index] for index in sorted(open_)]
        if any(node.op == "opaque" for node in nodes):
            return unknown("the way from an output to the weights is not followed")
        stops = [node for node in nodes if view.kinds[node.index] == "cut"]
        if any(view.trains(node.index) for node in nodes) or any(node.op != "detach" for node in stops):
            return ()
        if any(view.in_region(node, "no_grad") for node in stops):
            return ()
        cuts.update(dict.fromkeys(node.index for node in stops))
    reached = [
        view.before(view.graph.nodes[index].inputs, lambda node: not view.carries_gradient(node)) for index in cuts
    ]
    return view.places(
        index for index, behind in zip(cuts, reached, strict=True) if any(view.trains(each) for each in behind)
    )


@fact("class", "flag")
def optimised(found: ClassView) -> bool:
    """Training code of the file gives parameters of the class to an optimiser."""
    return bool(found.view.context.optimizers.get(found.view.graph.modules[0].type if found.view.graph.modules else ""))
