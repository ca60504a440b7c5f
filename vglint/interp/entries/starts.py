"""How each kind of entry is started: classes built, scripts executed, one automatic Lightning step taken."""

from __future__ import annotations

from collections.abc import Sequence

from vglint import ops, origin
from vglint.given import Input
from vglint.interp.entries.begun import begin
from vglint.interp.entries.choices import with_choice
from vglint.interp.entries.elsewhere import open_stored
from vglint.interp.entries.made_up_arguments import (
    arguments_for,
    hands_on,
    objects_by_default,
    required_names,
)
from vglint.interp.entries.refused import accepted, empty_fields, given_field, missing
from vglint.interp.entries.supposed import with_supposed
from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.budget import BudgetError
from vglint.interp.machine.core import (
    Frame,
    Raised,
    Run,
    call,
    execute,
    execute_unit,
    get_attribute,
)
from vglint.interp.nodes.emit import entry_input
from vglint.interp.protocols.iteration import items_of
from vglint.interp.static.methods import acts_beside, acts_elsewhere, given_attributes
from vglint.interp.torch import training
from vglint.interp.torch.fixed_inputs import assigned, fixed_inputs
from vglint.interp.torch.leaves import leaf_base
from vglint.interp.torch.optimizers import CONFIGURED, optimizers_in
from vglint.interp.torch.passes import passed
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    ClassV,
    DictV,
    FunctionV,
    Instance,
    LoaderV,
    MethodV,
    ModuleV,
    Namespace,
    OpaqueV,
    Scope,
    Site,
    Value,
    is_tensor,
)
from vglint.ops.spec import REQUIRED
from vglint.source import code
from vglint.source.module import Module
from vglint.value import Unknown


class NoEntry(Exception):
    """A candidate that turned out to be no entry."""


def setup_call(run: Run, function: FunctionV, frame: Frame) -> Value:
    """Calls a function that builds a model."""
    site = Site(function.unit, function.unit.head)
    with run.context.having(setup=True):
        return call(run, function, arguments_for(run, function, tensors=False), {}, frame, site)


def run_made(run: Run, made: Value, frame: Frame) -> tuple[dict[str, ModuleV], Value]:
    if not isinstance(made, ModuleV):
        raise NoEntry
    return {"": made}, run_forward(run, made, frame)


# ---- kinds of entry


def run_class(run: Run, cls: ClassV, frame: Frame) -> tuple[dict[str, ModuleV], Value]:
    inner = Frame(frame.scope, cls.unit, None)

    def walk(given: dict[str, Value]) -> tuple[dict[str, ModuleV], Value]:
        roots, result = built(run, cls, frame, given)
        made = roots.get("")
        return roots, result if made is None else run_forward(run, made, inner)

    return with_supposed(run, lambda: with_choice(run, _required_by(cls), walk))


def _required_by(cls: ClassV) -> list[str]:
    """Returns the arguments that a class must be given: those of its constructor, and of one above that gets the other keywords of this one."""
    names: list[str] = []
    above: ClassV | None = None
    while (init := find_in_mro(cls, "__init__", after=above)) is not None and isinstance(init[0], FunctionV):
        params = init[0].plain.node.parameters
        only = [param.name for param in params.keyword_only if param.default is None]
        names += [name for name in (*required_names(init[0], 1), *only) if name not in names]
        if params.others is None or not isinstance(init[1], ClassV):
            break
        above = init[1]
    return names


def run_forward(run: Run, module: ModuleV, frame: Frame) -> Value:
    """Calls a module with an input for each required argument of its forward."""
    run.graph.roots = {"": module}
    site = module.origin or Site(frame.unit, frame.unit.head)
    forward = module.attrs.get("forward")
    if forward is None:
        found = find_in_mro(module.cls, "forward")
        forward = found[0] if found is not None else None
    skip = 0 if "forward" in module.attrs else 1
    fixed = fixed_inputs(run, module)
    if isinstance(forward, FunctionV):
        above = hands_on(forward, module.cls)
        run.context.inputs = _by_name(fixed, above or forward, skip)
        if above is not None:
            given = arguments_for(run, above, tensors=True, skip=1)
            names = [param.name for param in above.plain.node.parameters.positional[1:]]
            return accepted(run, module, above, [], dict(zip(names, given, strict=False)), frame, site)
        args = arguments_for(run, forward, tensors=True, skip=skip)
        covered = [param.name for param in forward.plain.node.parameters.positional[skip:]][: len(args)]
        options = (*forward.plain.node.parameters.positional[skip:], *forward.plain.node.parameters.keyword_only)
        fixed_names = [
            param.name for param in options if param.name in run.context.inputs and param.name not in covered
        ]
        others: dict[str, Value] = {name: entry_input(run, name, site) for name in fixed_names}
        return accepted(run, module, forward, args, others, frame, site)
    if isinstance(forward, MethodV) and isinstance(forward.function, FunctionV):
        run.context.inputs = _by_name(fixed, forward.function, 1)
        args = arguments_for(run, forward.function, tensors=True, skip=1)
    elif module.spelling is not None:
        names = [arg.name for arg in module.spelling.forward if arg.role == "tensor" and arg.default is REQUIRED]
        run.context.inputs = assigned(fixed, names)
        args = [entry_input(run, name, site) for name in names]
    else:
        run.context.inputs = assigned(fixed, ["input"])
        args = [entry_input(run, "input", site)]
    return call(run, module, args, {}, frame, site)


def _by_name(fixed: Sequence[Input], forward: FunctionV, skip: int) -> dict[str, Input]:
    params = forward.plain.node.parameters
    names = [param.name for param in (*params.positional[skip:], *params.keyword_only)]
    return assigned(fixed, names, None if params.rest is None else params.rest.name) if fixed else {}


def run_training(run: Run, function: FunctionV, frame: Frame) -> tuple[dict[str, ModuleV], Value]:
    run.context.training_code = True
    open_stored(run, function)
    args = arguments_for(run, function, tensors=False)
    call(run, function, args, {}, Frame(frame.scope, function.unit, None), Site(function.unit, function.unit.head))
    if any(_is_global(draft.site) for draft in run.graph.nodes if draft.op == "optimizer"):
        units = frame.scope.module.module.units
        defined = [each.definition for each in units if each.kind == "function"]
        functions = {each.name: each for each in defined if isinstance(each, code.Function)}
        elsewhere = acts_beside(functions, function.name) if function.name in functions else None
        if elsewhere is not None:
            run.graph.gap(origin.Elsewhere(elsewhere))
    return run.graph.roots, None


def _is_global(site: Site | None) -> bool:
    """Whether a place is a statement at the top of a file, which every function of the file may use."""
    return site is not None and site.unit.kind == "other"


def run_method(run: Run, cls: ClassV, name: str, frame: Frame) -> tuple[dict[str, ModuleV], Value]:
    """Builds an object of a class that trains, and calls the method that does."""
    run.context.training_code = True
    inner = Frame(frame.scope, cls.unit, None)
    site = Site(cls.unit, cls.unit.head)
    init = find_in_mro(cls, "__init__")
    args: list[Value] = []
    keywords: dict[str, Value] = {}
    if init is not None and isinstance(init[0], FunctionV):
        args = arguments_for(run, init[0], tensors=False, skip=1)
        # What is None by default is given by whoever trains: the model, its optimiser.
        keywords = {key: Unknown(origin.Argument(key)) for key, value in init[0].defaults.items() if value is None}
    made = call(run, cls, args, keywords, inner, site)
    method = find_in_mro(cls, name)
    if not isinstance(made, Instance) or method is None or not isinstance(method[0], FunctionV):
        return {}, None
    elsewhere = acts_elsewhere(cls.node, name) if cls.node is not None else None
    if elsewhere is not None:
        run.graph.gap(origin.Elsewhere(elsewhere))
    _give_attributes(run, made, name)
    if name != "__init__":
        rest = arguments_for(run, method[0], tensors=False, skip=1)
        call(run, MethodV(method[0], made), rest, {}, inner, Site(method[0].unit, method[0].node))
    if isinstance(made, ModuleV):
        return {"": made, **run.graph.roots}, None
    held = {key: value for key, value in made.attrs.items() if isinstance(value, ModuleV)}
    return {**held, **run.graph.roots}, None


def _give_attributes(run: Run, made: Instance, name: str) -> None:
    """Sets what methods set to something that they are given (`attach(optimizer)`), where it is not set yet: they are called before `name` is."""
    for cls in made.cls.mro if isinstance(made.cls, ClassV) else ():
        given = given_attributes(cls.node, name) if isinstance(cls, ClassV) and cls.node is not None else {}
        for attr, parameter in given.items():
            if made.attrs.get(attr) is None and find_in_mro(made.cls, attr) is None:
                run.journal.put(made.attrs, attr, Unknown(origin.Argument(parameter)))


def run_script(run: Run, module: Module, space: Namespace) -> tuple[dict[str, ModuleV], Value]:
    """Executes a file from top to bottom, as `python file.py` does."""
    run.context.training_code = True
    space.in_order = True
    space.names["__name__"] = "__main__"
    in_order = bool(module.repeated)
    for unit in module.units:
        if unit.kind in ("class", "function", "import"):
            if in_order and unit.name:
                space.done.add(id(unit))
                execute_unit(run, space, unit)
            continue
        if id(unit) in space.done:
            continue
        space.done.add(id(unit))
        try:
            inner = Frame(Scope(space.names, None, space), unit, None)
            for statement in unit.body:
                execute(run, statement, inner)
        except Raised:
            continue
    return run.graph.roots, None


def run_lightning(run: Run, cls: ClassV, frame: Frame) -> tuple[dict[str, ModuleV], Value]:
    """Builds a LightningModule and takes one automatic step: optimiser, training_step, backward, step."""
    roots, result = built(run, cls, frame)
    module = roots.get("")
    if module is None:
        return roots, result
    run.context.training_code = True
    return roots, lightning_step(run, module, cls, frame)


def fit_models(run: Run, frame: Frame) -> None:
    """Takes a step of each LightningModule that the program hands to a trainer."""
    for fitted in list(run.graph.passes.fitted):
        module = fitted.module
        if isinstance(module.cls, ClassV) and is_lightning(module.cls):
            lightning_step(run, module, module.cls, frame, fitted.data)


def lightning_step(run: Run, module: ModuleV, cls: ClassV, frame: Frame, data: tuple[Value, ...] = ()) -> Value:
    """Takes one automatic step of a LightningModule: optimiser, training_step, backward, step. What `data` yields is its batch."""
    inner = Frame(frame.scope, cls.unit, None)
    site = Site(cls.unit, cls.unit.head)
    configured = find_in_mro(cls, "configure_optimizers")
    optimizer = call(run, MethodV(configured[0], module), [], {}, inner, site) if configured is not None else None
    run.journal.put(module.attrs, CONFIGURED, optimizer)
    step = find_in_mro(cls, "training_step")
    assert step is not None
    loader = _loader(run, module, data, inner)
    args: list[Value] = [] if loader is None else [items_of(run, loader, inner, site).item]
    if isinstance(step[0], FunctionV):
        args += arguments_for(run, step[0], tensors=True, skip=1 + len(args))
    mark = len(run.graph.nodes)
    with run.graph.opened("loop", "training_step", site, role="trainer"):
        with run.context.having(modules_running=(*run.context.modules_running, module)):
            if find_in_mro(cls, "forward") is None:
                with passed(run, module) as this:  # the step is all there is of the model
                    loss = this.result = call(run, MethodV(step[0], module), args, {}, inner, site)
            else:
                loss = call(run, MethodV(step[0], module), args, {}, inner, site)
        if module.attrs.get("automatic_optimization") is not False:
            nothing = loss is None
            if isinstance(loss, DictV):
                loss = loss.items.get("loss")
            if loss is None:
                if nothing and _takes_no_step(run, cls, mark):
                    _stepped(run, optimizer, inner, _head_of(step[0], site))
                return loss  # nothing else is done with a step that returns nothing: it stepped by itself
            if is_tensor(loss) or isinstance(loss, OpaqueV):
                training.tensor_method(run, loss, "backward", [], {}, site)
            else:
                cause = loss if isinstance(loss, Unknown) else Unknown(origin.Computed("loss"))
                training.act(run, "backward", [], {"loss": cause, "retain_graph": False}, site)
            _stepped(run, optimizer, inner, site)
    return loss


def _stepped(run: Run, optimizer: Value, frame: Frame, site: Site) -> None:
    for made in optimizers_in(optimizer):
        call(run, get_attribute(run, made, "step", frame), [], {}, frame, site)
        call(run, get_attribute(run, made, "zero_grad", frame), [], {}, frame, site)


def _head_of(step: Value, site: Site) -> Site:
    return Site(step.unit, step.node) if isinstance(step, FunctionV) else site


def _takes_no_step(run: Run, cls: ClassV, mark: int) -> bool:
    """Whether the nodes of a training step, from a mark on, are of a module that leaves the optimisation to its trainer, and steps nothing itself."""
    manual = find_in_mro(cls, "automatic_optimization") is not None
    return not manual and not any(ops.has(node.op, "acts") for node in run.graph.nodes[mark:])


def _loader(run: Run, module: ModuleV, data: tuple[Value, ...], frame: Frame) -> LoaderV | None:
    """Returns the loader that a trainer takes batches from: one that it is given, or what `train_dataloader` of a data module or of the model
    returns; None where nothing is known of its batches."""
    given = next((each for each in data if isinstance(each, LoaderV)), None)
    if given is not None:
        return given if given.shapes else None
    site = Site(frame.unit, frame.unit.head)
    for owner in (*data, module):
        if not isinstance(owner, Instance) or find_in_mro(owner.cls, "train_dataloader") is None:
            continue
        with attempted(run) as attempt:
            try:
                if find_in_mro(owner.cls, "setup") is not None:
                    call(run, get_attribute(run, owner, "setup", frame), ["fit"], {}, frame, site)
                made = call(run, get_attribute(run, owner, "train_dataloader", frame), [], {}, frame, site)
            except (Raised, BudgetError):
                made = None
            finally:
                attempt.undo(run)
        if isinstance(made, LoaderV) and made.shapes:
            return made
    return None


def built(
    run: Run, cls: ClassV, frame: Frame, given: dict[str, Value] | None = None
) -> tuple[dict[str, ModuleV], Value]:
    """Builds a class from its defaults, from what is `given` by name, and from symbols."""
    inner = Frame(frame.scope, cls.unit, None)
    init = find_in_mro(cls, "__init__")
    base = leaf_base(cls)
    args: list[Value] = []
    keywords: dict[str, Value] = {}
    if init is not None and isinstance(init[0], FunctionV):
        args = arguments_for(run, init[0], tensors=False, skip=1, cls=cls)
        if given:
            names = required_names(init[0], 1)
            args = [given.get(name, arg) for name, arg in zip(names, args, strict=True)]
            keywords = {name: each for name, each in given.items() if name not in names}
        keywords |= objects_by_default(run, init[0])
    elif base is not None and (spelling := ops.find(base.name)) is not None:
        args = [Unknown(origin.Argument(arg.name)) for arg in spelling.args if arg.default is REQUIRED]
    made = _made(run, cls, args, keywords, inner, Site(cls.unit, cls.unit.head))
    if not isinstance(made, ModuleV):
        return {}, Unknown(origin.Call(f"{cls.name}() is no module"))
    run.graph.roots = {"": made}
    begin(run, made, inner, Site(cls.unit, cls.unit.head))
    return {"": made}, made


def _made(run: Run, cls: ClassV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """Builds a class; where it refuses that several arguments are None, as `input_shape` and `input_size`, it is given one of them: the first
    that leaves no gap, else the last."""
    init = find_in_mro(cls, "__init__")
    with attempted(run) as attempt:
        try:
            return call(run, cls, args, keywords, frame, site)
        except Raised as error:
            defaults = init[0].defaults if init is not None and isinstance(init[0], FunctionV) else {}
            lacking = [name for name in missing(error) if name not in keywords and defaults.get(name, site) is None]
            fields = empty_fields(args, error)
            if not lacking and not fields:
                raise
            attempt.undo(run)
    if fields:
        for holder, name in fields:
            run.journal.put(holder.attrs, name, given_field(holder, name))
        run.graph.chosen = " and ".join(f"when `{name}` is given" for _, name in fields)
        return call(run, cls, args, keywords, frame, site)
    for name in lacking:
        with attempted(run) as attempt:
            known = len(run.graph.gaps)
            try:
                made = call(run, cls, args, {**keywords, name: Unknown(origin.Argument(name))}, frame, site)
            except Raised:
                attempt.undo(run)
                continue
            if len(run.graph.gaps) == known or name is lacking[-1]:
                return made
            attempt.undo(run)
    return call(run, cls, args, keywords, frame, site)


def has_forward(cls: ClassV) -> bool:
    forward = find_in_mro(cls, "forward")
    return forward is not None or leaf_base(cls) is not None or find_in_mro(cls, "training_step") is not None


def is_lightning(cls: ClassV) -> bool:
    return find_in_mro(cls, "training_step") is not None
