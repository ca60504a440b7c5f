"""Where interpretation starts: module classes, functions that build models, training code, and any expression that is asked for."""

from __future__ import annotations

import ast
import builtins as python
import gc
import sys
from collections.abc import Callable, Iterator

import libcst as cst

from vglint import ops
from vglint.graph import Graph
from vglint.interp import attributes, builtins, expressions, functions, library, loops, modules, statements, training
from vglint.interp.core import MISSING, BudgetError, Frame, Raised, RegionDraft, Run, call, evaluate, execute, get_attribute
from vglint.interp.freeze import Kind, freeze
from vglint.interp.indexing import entry_input
from vglint.interp.modules import find_in_mro, is_module_class, leaf_base
from vglint.interp.names import lookup, member
from vglint.interp.objects import ClassV, DictV, External, FunctionV, Instance, ListV, MethodV, ModuleV, Namespace, Scope, Site, Value, is_tensor, is_unknown
from vglint.ops.spec import REQUIRED
from vglint.source.module import Module
from vglint.source.project import Project
from vglint.source.unit import Unit
from vglint.span import Span
from vglint.value import Unknown

assert attributes and builtins and expressions and functions and library and loops and statements and training

CALL_SITES = 2
"""Constant call sites that a class is built from, besides its defaults."""


class EntryError(ValueError):
    """An expression that names no model of the file; the message says what would."""


def extract(project: Project, module: Module, expression: str) -> Graph:
    """Returns the graph of an entry: a class, a function or any Python expression over the file's names.

    Raises EntryError where the expression is not Python, names nothing of the file, or has no module as its value.
    """
    try:
        node = cst.parse_expression(expression.strip())
    except cst.ParserSyntaxError as error:
        raise EntryError(f"{expression!r} is not a Python expression: {error.message}") from None
    unit = module.units[0] if module.units else None
    if unit is None:
        raise EntryError(f"{module.path} defines nothing")
    run = _new_run(project, f"{module.path}:{expression}")
    space = _namespace(run, module)
    _check_names(run, node, space, module)
    if isinstance(node, cst.Name):
        found = module.binding(node.value)
        unit = found[-1] if found else unit
    frame = Frame(Scope({}, None, space), unit, None)
    span = Span(module.path, unit.line, 1, unit.line, 1)

    def start() -> tuple[Kind, dict[str, ModuleV], Value]:
        run.setup += 1
        try:
            value = evaluate(run, node, frame)
            if isinstance(value, FunctionV) and not _is_training(value.node):
                value = call(run, value, _arguments_for(run, value, frame, tensors=False), {}, frame, Site(unit, unit.tree))
        finally:
            run.setup -= 1
        if isinstance(value, ClassV):
            return "class", *_run_class(run, value, frame)
        if isinstance(value, FunctionV):
            return "training", *_run_training(run, value, frame)
        if isinstance(value, ModuleV):
            return "expression", {"": value}, _run_forward(run, value, frame)
        raise EntryError(f"{expression!r} is not a module: {_describe(value)}")

    return _guarded(run, span, start)


def entries(project: Project, module: Module, fault: Callable[[str, Exception], None] | None = None) -> tuple[Graph, ...]:
    """Returns the graph of every entry of a file, in source order; `fault` is told of an entry that a mistake of ours prevents."""
    namespaces: dict[str, Namespace] = {}
    graphs = []
    for entry in _find(module):
        try:
            graph = _one(project, module, entry, namespaces)
        except Exception as error:
            if fault is None:
                raise
            fault(", ".join(entry[1].names) or "<module>", error)
            namespaces = {}
            continue
        if graph is not None:
            graphs.append(graph)
    return tuple(graphs)


def _call_sites(module: Module, name: str) -> list[str]:
    """Returns the source of calls of a class whose arguments need nothing local, without repeats."""
    bound = {each for unit in module.units for each in unit.names} | set(dir(python))
    found: list[str] = []
    for unit in module.units:
        for statement in unit.statements:
            for node in ast.walk(statement):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name):
                    continue
                used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
                stars = any(isinstance(each, ast.Starred) for each in node.args)
                keywords = [each for each in node.keywords if each.arg is not None]
                if used <= bound and not stars and (node.args or keywords) and len(found) < CALL_SITES:
                    node.keywords = keywords
                    text = ast.unparse(node)
                    if text not in found:
                        found.append(text)
    return found


def _find(module: Module) -> Iterator[tuple[str, Unit, str | None]]:
    """Yields what a look at the file's `ast` says might be an entry: (kind, unit, call site)."""
    script = False
    for unit in module.units:
        node = unit.ast
        if isinstance(node, ast.ClassDef):
            if node.bases:
                yield "class", unit, None
                for text in _call_sites(module, node.name):
                    yield "call", unit, text
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if _trains(node):
                yield "training", unit, None
            elif _builds(node):
                yield "function", unit, None
        elif unit.kind == "other" and not script:
            script = any(_trains(statement) or _loops_over_calls(statement) for statement in unit.statements)
    if script or _calls_trainer(module):
        yield "script", module.units[0], None


def _one(project: Project, module: Module, entry: tuple[str, Unit, str | None], namespaces: dict[str, Namespace]) -> Graph | None:
    kind, unit, text = entry
    name = unit.names[-1] if unit.names and kind != "script" else "<module>"
    run = _new_run(project, text or name)
    run.namespaces = namespaces if kind != "script" else {}
    space = _namespace(run, module)
    frame = Frame(Scope({}, None, space), unit, None)
    node = unit.ast
    span = Span(module.path, unit.line, 1, unit.line, 1)
    if node is not None:
        span = unit.span(unit.tree)
    skipped = False

    def start() -> tuple[Kind, dict[str, ModuleV], Value]:
        nonlocal skipped
        if kind == "script":
            return "training", *_run_script(run, module, space)
        value = member(run, space, name)
        if kind == "call":
            if not isinstance(value, ClassV) or not is_module_class(value) or not _has_forward(value) or _is_lightning(value):
                skipped = True
                return "class", {}, None
            run.setup += 1
            try:
                made = evaluate(run, cst.parse_expression(text or name), frame)
            finally:
                run.setup -= 1
            if not isinstance(made, ModuleV):
                skipped = True
                return "class", {}, None
            return "expression", {"": made}, _run_forward(run, made, frame)
        if kind == "class":
            if not isinstance(value, ClassV) or not is_module_class(value) or not _has_forward(value):
                skipped = True
                return "class", {}, None
            if _is_lightning(value):
                return "training", *_run_lightning(run, value, frame)
            return "class", *_run_class(run, value, frame)
        if not isinstance(value, FunctionV):
            skipped = True
            return "function", {}, None
        if kind == "training":
            return "training", *_run_training(run, value, frame)
        run.setup += 1
        try:
            made = call(run, value, _arguments_for(run, value, frame, tensors=False), {}, frame, Site(unit, unit.tree))
        finally:
            run.setup -= 1
        if not isinstance(made, ModuleV):
            skipped = True
            return "function", {}, None
        return "function", {"": made}, _run_forward(run, made, frame)

    graph = _guarded(run, span, start)
    return None if skipped else graph


def _guarded(run: Run, span: Span, start: Callable[[], tuple[Kind, dict[str, ModuleV], Value]]) -> Graph:
    """Runs an entry inside its budget and freezes what there is at its end."""
    kind: Kind = "class"
    roots: dict[str, ModuleV] = {}
    result: Value = None
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 12_000))
    collecting = gc.isenabled()
    gc.disable()
    try:
        kind, roots, result = start()
        if is_unknown(result):
            unknown = result if isinstance(result, Unknown) else result.why  # type: ignore[attr-defined]
            run.gap_of(unknown)
    except BudgetError as error:
        run.gap("budget", str(error))
    except Raised as error:
        run.gap("unmodelled call", f"raises {error.name}")
    except RecursionError:
        run.gap("budget", "nested too deeply")
    finally:
        sys.setrecursionlimit(limit)
        if collecting:
            gc.enable()
    if not roots:
        roots = run.roots
    if not roots and run.modules:
        roots = {"": run.modules[0]}
    run.journal = None
    return freeze(run, kind, span, roots, result)


def _new_run(project: Project, entry: str) -> Run:
    run = Run(project, entry)
    run.regions.append(RegionDraft(None, "function", entry))
    return run


def _namespace(run: Run, module: Module) -> Namespace:
    from vglint.interp.assignment import namespace

    return namespace(run, module)


# ---- kinds of entry


def _run_class(run: Run, cls: ClassV, frame: Frame) -> tuple[dict[str, ModuleV], Value]:
    inner = Frame(frame.scope, cls.unit, None)
    roots, result = _built(run, cls, frame)
    made = roots.get("")
    return roots, result if made is None else _run_forward(run, made, inner)


def _run_forward(run: Run, module: ModuleV, frame: Frame) -> Value:
    """Calls a module with an input for each required argument of its forward."""
    run.roots = {"": module}
    site = module.origin or Site(frame.unit, frame.unit.tree)
    forward = module.attrs.get("forward")
    if forward is None:
        found = find_in_mro(module.cls, "forward")
        forward = found[0] if found is not None else None
    if isinstance(forward, FunctionV):
        args = _arguments_for(run, forward, frame, tensors=True, skip=0 if "forward" in module.attrs else 1)
    elif isinstance(forward, MethodV) and isinstance(forward.function, FunctionV):
        args = _arguments_for(run, forward.function, frame, tensors=True, skip=1)
    elif module.spelling is not None:
        args = [entry_input(run, arg.name, site) for arg in module.spelling.forward if arg.role == "tensor" and arg.default is REQUIRED]
    else:
        args = [entry_input(run, "input", site)]
    return call(run, module, args, {}, frame, site)


def _run_training(run: Run, function: FunctionV, frame: Frame) -> tuple[dict[str, ModuleV], Value]:
    run.training_code = True
    args = _arguments_for(run, function, frame, tensors=False)
    call(run, function, args, {}, Frame(frame.scope, function.unit, None), Site(function.unit, function.unit.tree))
    return run.roots, None


def _run_script(run: Run, module: Module, space: Namespace) -> tuple[dict[str, ModuleV], Value]:
    """Executes a file from top to bottom, as `python file.py` does."""
    run.training_code = True
    space.names["__name__"] = "__main__"
    for unit in module.units:
        if unit.kind in ("class", "function", "import"):
            continue
        if id(unit) in space.done:
            continue
        space.done.add(id(unit))
        try:
            execute(run, unit.tree, Frame(Scope(space.names, None, space), unit, None))
        except Raised:
            continue
    return run.roots, None


def _run_lightning(run: Run, cls: ClassV, frame: Frame) -> tuple[dict[str, ModuleV], Value]:
    """Builds a LightningModule and takes one automatic step: optimiser, training_step, backward, step."""
    roots, result = _built(run, cls, frame)
    module = roots.get("")
    if module is None:
        return roots, result
    run.training_code = True
    inner = Frame(frame.scope, cls.unit, None)
    site = Site(cls.unit, cls.unit.tree)
    configured = find_in_mro(cls, "configure_optimizers")
    optimizer = call(run, MethodV(configured[0], module), [], {}, inner, site) if configured is not None else None
    region = run.open_region("loop", "training_step", site)
    step = find_in_mro(cls, "training_step")
    assert step is not None
    args = _arguments_for(run, step[0], inner, tensors=True, skip=1) if isinstance(step[0], FunctionV) else []
    run.modules_running.append(module)
    loss = call(run, MethodV(step[0], module), args, {}, inner, site)
    run.modules_running.pop()
    if module.attrs.get("automatic_optimization") is not False:
        if isinstance(loss, DictV):
            loss = loss.items.get("loss")
        if is_tensor(loss):
            training.tensor_method(run, loss, "backward", [], {}, site)
        for made in _optimizers_in(optimizer):
            get = get_attribute(run, made, "step", inner)
            call(run, get, [], {}, inner, site)
            call(run, get_attribute(run, made, "zero_grad", inner), [], {}, inner, site)
    run.region = run.regions[region].parent or 0
    return roots, loss


def _optimizers_in(value: Value) -> list[Instance]:
    match value:
        case Instance() if "node" in value.extra and "params" in value.extra:
            return [value]
        case tuple():
            return [made for item in value for made in _optimizers_in(item)]
        case ListV():
            return [made for item in value.items for made in _optimizers_in(item)]
        case DictV():
            return _optimizers_in(value.items.get("optimizer"))
        case _:
            return []


def _built(run: Run, cls: ClassV, frame: Frame) -> tuple[dict[str, ModuleV], Value]:
    inner = Frame(frame.scope, cls.unit, None)
    init = find_in_mro(cls, "__init__")
    base = leaf_base(cls)
    args: list[Value] = []
    if init is not None and isinstance(init[0], FunctionV):
        args = _arguments_for(run, init[0], inner, tensors=False, skip=1)
    elif base is not None and (spelling := ops.find(base.name)) is not None:
        args = [Unknown("argument", arg.name) for arg in spelling.args if arg.default is REQUIRED]
    made = call(run, cls, args, {}, inner, Site(cls.unit, cls.unit.tree))
    if not isinstance(made, ModuleV):
        return {}, Unknown("unmodelled call", f"{cls.name}() is no module")
    run.roots = {"": made}
    return {"": made}, made


# ---- arguments that nobody gives


def _arguments_for(run: Run, function: FunctionV, frame: Frame, *, tensors: bool, skip: int = 0) -> list[Value]:
    """Returns a value for each argument without default: a tensor input, an instance of its annotated class, or an unknown."""
    params = function.node.params
    site = Site(function.unit, function.node)
    args: list[Value] = []
    positional = (*params.posonly_params, *params.params)
    required = [param for param in positional[skip:] if param.default is None]
    for param in required:
        args.append(_argument_for(run, param, function, tensors=tensors, site=site))
    if tensors and not args and isinstance(params.star_arg, cst.Param) and not any(param.default is not None for param in positional[skip:]):
        args.append(entry_input(run, params.star_arg.name.value, site))
    elif tensors and not args:
        optional = [param for param in positional[skip:] if param.default is not None]
        if optional:
            # Every input is optional (`input_ids=None, …`): the first one is given.
            args.append(_argument_for(run, optional[0], function, tensors=True, site=site))
    return args


_PLAIN = {"int", "float", "bool", "str"}


def _argument_for(run: Run, param: cst.Param, function: FunctionV, *, tensors: bool, site: Site) -> Value:
    name = param.name.value
    annotation = param.annotation.annotation if param.annotation is not None else None
    text = _annotation_text(annotation)
    if annotation is not None:
        cls = _annotated_class(run, annotation, function)
        if isinstance(cls, ClassV) and not is_module_class(cls) and not tensors:
            made = _default_instance(run, cls, function, site)
            if made is not None:
                return made
        if isinstance(cls, ClassV) and tensors and cls.fields is not None:
            return Instance(cls, {field: entry_input(run, f"{name}.{field}", site) for field in cls.fields}, site)
    if not tensors:
        return Unknown("argument", name)
    head = text.replace("Optional[", "").partition("[")[0].rpartition(".")[2]
    if head in _PLAIN:
        return Unknown("argument", name)
    if head.lower() in ("list", "sequence", "iterable", "tuple"):
        inner = [part.strip() for part in text[text.find("[") + 1 : text.rfind("]")].split(",")] if "[" in text else []
        if head.lower() == "tuple" and inner and "..." not in inner and len(inner) > 1:
            return tuple(entry_input(run, f"{name}[{number}]", site) for number in range(len(inner)))
        return ListV([entry_input(run, f"{name}[i]", site)], Unknown("argument", f"len({name})"))
    return entry_input(run, name, site)


def _annotation_text(node: cst.CSTNode | None) -> str:
    return "" if node is None else cst.Module([]).code_for_node(node).strip("'\"")


def _annotated_class(run: Run, node: cst.BaseExpression, function: FunctionV) -> Value:
    match node:
        case cst.Name(value=name):
            found = lookup(run, name, function.scope)
            return None if found is MISSING else found
        case cst.SimpleString():
            text = node.value.strip("'\"")
            return lookup(run, text, function.scope) if text.isidentifier() else None
        case cst.Attribute():
            return evaluate(run, node, Frame(function.scope, function.unit, None))
        case cst.BinaryOperation(left=left, operator=cst.BitOr()):
            return _annotated_class(run, left, function)
        case cst.Subscript(value=cst.Name(value="Optional"), slice=[cst.SubscriptElement(slice=cst.Index(value=inner))]):
            return _annotated_class(run, inner, function)
        case _:
            return None


def _default_instance(run: Run, cls: ClassV, function: FunctionV, site: Site) -> Value:
    """Builds an annotated class (a config) where all its arguments have defaults."""
    init = find_in_mro(cls, "__init__")
    if init is not None and isinstance(init[0], FunctionV):
        params = init[0].node.params
        if any(param.default is None for param in (*params.posonly_params, *params.params)[1:]):
            return None
    elif cls.frozen_kind != "dataclass":
        return None
    made = call(run, cls, [], {}, Frame(function.scope, function.unit, None), site)
    return made if isinstance(made, Instance) else None


# ---- what a look at the text tells


def _trains(node: ast.AST) -> bool:
    return any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in ("backward",) for each in ast.walk(node)
    ) and not _is_backward_method(node)


def _is_backward_method(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "backward"


def _builds(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function makes layers itself and returns something."""
    returns = any(isinstance(each, ast.Return) and each.value is not None for each in ast.walk(node))
    return returns and any(
        isinstance(each, ast.Attribute) and each.attr in ("Sequential", "Linear", "Conv2d", "add_module") and isinstance(each.value, ast.Name) for each in ast.walk(node)
    )


def _loops_over_calls(node: ast.AST) -> bool:
    """Whether top-level code loops and calls something in the loop (`for epoch in …: train(...)`), or guards `__main__`."""
    if isinstance(node, ast.If):
        test = ast.dump(node.test)
        return "__main__" in test
    return isinstance(node, (ast.For, ast.While)) and any(isinstance(each, ast.Call) for each in ast.walk(node))


def _calls_trainer(module: Module) -> bool:
    return any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "fit"
        for unit in module.units
        if unit.kind == "other"
        for statement in unit.statements
        for each in ast.walk(statement)
    )


def _is_training(node: cst.FunctionDef | cst.Lambda) -> bool:
    return ".backward(" in cst.Module([]).code_for_node(node)


def _has_forward(cls: ClassV) -> bool:
    forward = find_in_mro(cls, "forward")
    return forward is not None or leaf_base(cls) is not None or find_in_mro(cls, "training_step") is not None


def _is_lightning(cls: ClassV) -> bool:
    return find_in_mro(cls, "training_step") is not None


def _check_names(run: Run, node: cst.BaseExpression, space: Namespace, module: Module) -> None:
    """Raises EntryError for a first name that the file does not define."""
    head: cst.CSTNode = node
    while isinstance(head, (cst.Call, cst.Attribute)):
        head = head.func if isinstance(head, cst.Call) else head.value
    if isinstance(head, cst.Name) and lookup(run, head.value, Scope({}, None, space)) is MISSING:
        from difflib import get_close_matches

        defined = [name for unit in module.units if unit.kind in ("class", "function") for name in unit.names]
        close = get_close_matches(head.value, defined, 1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; it defines {', '.join(defined[:8])}" if defined else ""
        raise EntryError(f"{module.path} does not define {head.value!r}{hint}")


def _describe(value: Value) -> str:
    if isinstance(value, Unknown):
        return str(value)
    return value.name if isinstance(value, (External, FunctionV)) else f"a {type(value).__name__.removesuffix('V').lower()}"



