"""Decorators: whether what they put around a function hands on arguments and result as they are."""

from __future__ import annotations

from collections.abc import Sequence

from vglint.source import code


def wraps_otherwise(tree: code.Function | code.Lambda) -> bool:
    """Whether a wrapper calls the function otherwise, several times or inside a `with`, or returns something else."""
    if isinstance(tree, code.Lambda):
        return False
    makers = [tree, *(each for each in tree.body if isinstance(each, code.Function))]
    if any(_is_other_lambda(maker) for maker in makers):
        return True
    for maker in makers:
        params = [*maker.parameters.positional_only, *maker.parameters.positional]
        wrappers = [each for each in maker.body if isinstance(each, code.Function)]
        if len(params) != 1 or len(wrappers) != 1 or not _returns(maker.body, wrappers[0].name):
            continue
        (wrapper,), name = wrappers, params[0].name
        calls = [each for each in code.walk(wrapper) if _is_call_of(each, name)]
        if not calls and maker is tree:
            continue  # `def repeated(times)` takes an argument and returns the decorator
        if not calls or any(isinstance(each, code.Yield | code.Await) for each in code.walk(wrapper)):
            return False
        return len(calls) > 1 or not _hands_on(wrapper, calls[0])
    return False


def _is_other_lambda(maker: code.Function) -> bool:
    """Whether a decorator of one argument returns a lambda that does more than to call it."""
    params = [*maker.parameters.positional_only, *maker.parameters.positional]
    match maker.body[-1]:
        case code.Return(value=code.Lambda(body=body)) if len(params) == 1:
            calls = [each for each in code.walk(body) if _is_call_of(each, params[0].name)]
            return bool(calls) and body is not calls[0]
        case _:
            return False


def _returns(body: Sequence[code.Statement], name: str) -> bool:
    return any(
        isinstance(each, code.Return) and isinstance(each.value, code.Name) and each.value.id == name for each in body
    )


def _is_call_of(node: code.Node, name: str) -> bool:
    return isinstance(node, code.Call) and isinstance(node.func, code.Name) and node.func.id == name


def _hands_on(wrapper: code.Function, inner: code.Node) -> bool:
    """Whether a wrapper returns what the call gives, from its own top level or from inside a condition, with its arguments as they came."""
    held = {
        target.id
        for each in code.walk(wrapper)
        if isinstance(each, code.Assign) and each.value is inner
        for target in each.targets
        if isinstance(target, code.Name)
    }
    held -= {
        target.id
        for each in code.walk(wrapper)
        if isinstance(each, code.Assign) and each.value is not inner
        for target in each.targets
        if isinstance(target, code.Name)
    }
    results = [each.value for each in code.walk(wrapper) if isinstance(each, code.Return)]
    plain = all(result is inner or (isinstance(result, code.Name) and result.id in held) for result in results)
    inside_with = any(
        isinstance(each, code.With) and any(below is inner for below in code.walk(each)) for each in code.walk(wrapper)
    )
    return plain and bool(results) and not inside_with and _hands_on_arguments(wrapper, inner)


def _hands_on_arguments(wrapper: code.Function, inner: code.Node) -> bool:
    assert isinstance(inner, code.Call)
    params = wrapper.parameters
    own = {each.name for each in (*params.positional_only, *params.positional, *params.keyword_only)}
    own |= {each.name for each in (params.rest, params.others) if each is not None}
    given = [each.value if isinstance(each, code.Starred) else each for each in inner.args]
    given += [each.value for each in inner.keywords]
    return all(isinstance(each, code.Name) and each.id in own for each in given)
