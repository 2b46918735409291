"""Applications beside each other: each attribute has one writer, nothing feeds itself, every name is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from zhicheng.compute.app import AnyApp
from zhicheng.compute.terms import iri
from zhicheng.kernel.errors import BadConfiguration

Cell = tuple[str, str]
"""A type and an attribute, as IRIs."""


def check(apps: Sequence[AnyApp], terms: Mapping[str, str]) -> tuple[AnyApp, ...]:
    """The applications, those first that others read from. BadConfiguration says which do not go together.

    terms: short names that the city's models know
    """
    writers = _writers(apps, terms)
    for app in apps:
        _check_reads(app, terms, writers)
        _check_labels(app, terms)
    return _in_order(apps, terms, writers)


def _cells(app: AnyApp, terms: Mapping[str, str]) -> tuple[set[Cell], set[Cell]]:
    reads = {(iri(one.type, terms), iri(name, terms)) for one in app.reads for name in one.attributes}
    writes = {(iri(one.type, terms), iri(output.attribute, terms)) for one in app.writes for output in one.outputs}
    return reads, writes


def _writers(apps: Iterable[AnyApp], terms: Mapping[str, str]) -> dict[Cell, AnyApp]:
    found: dict[Cell, AnyApp] = {}
    for app in apps:
        names = [output.attribute for one in app.writes for output in one.outputs]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise _wrong(app, f"writes {twice} for two types", f"为两个类型写入了 {twice}")
        for kind, attribute in sorted(_cells(app, terms)[1]):
            other = found.setdefault((kind, attribute), app)
            if other is not app:
                raise BadConfiguration(
                    f"The applications {other.name} and {app.name} both write {attribute} of {kind}; disable one",
                    f"应用 {other.name} 与 {app.name} 都写入 {kind} 的 {attribute}；请停用其中一个",
                    apps=[other.name, app.name],
                )
    return found


def _check_reads(app: AnyApp, terms: Mapping[str, str], writers: Mapping[Cell, AnyApp]) -> None:
    """Each name that is read is one of the city's models or what an application writes."""
    written = {name for cell in writers for name in cell}
    for one in app.reads:
        for name in (one.type, *one.attributes):
            if ":" not in name and name not in terms and iri(name, terms) not in written:
                near = get_close_matches(name, [*terms], n=1)
                en = f"; did you mean {near[0]}?" if near else ""
                zh = f"；是否应为 {near[0]}？" if near else ""
                raise _wrong(app, f"reads {name}, which no model has{en}", f"读取的 {name} 不在任何模型中{zh}")


def _check_labels(app: AnyApp, terms: Mapping[str, str]) -> None:
    """What no model has a label for has one of the application's."""
    named = [(one.type, one.label) for one in app.writes]
    named += [(output.attribute, output.label) for one in app.writes for output in one.outputs]
    for name, label in named:
        if name not in terms and (label is None or not all(label)):
            raise _wrong(app, f"writes {name} without a label in both languages", f"写入的 {name} 缺少中英文名称")
    texts = [("label", app.label), ("description", app.description)]
    texts += [(f"layer {layer.attribute}", layer.label) for layer in app.layers]
    texts += [(f"legend of {layer.attribute}", step.label) for layer in app.layers for step in layer.legend]
    for name, label in texts:
        if not all(label):
            raise _wrong(app, f"has no {name} in both languages", f"缺少中英文的 {name}")


def _in_order(apps: Sequence[AnyApp], terms: Mapping[str, str], writers: Mapping[Cell, AnyApp]) -> tuple[AnyApp, ...]:
    needs = {app.name: {writers[cell].name for cell in _cells(app, terms)[0] if cell in writers} for app in apps}
    ordered: list[AnyApp] = []
    left = list(apps)
    while left:
        done = {app.name for app in ordered}
        ready = [app for app in left if needs[app.name] <= done]
        if not ready:
            circle = ", ".join(app.name for app in left)
            raise BadConfiguration(
                f"The applications {circle} feed themselves: what they read comes from what they write",
                f"应用 {circle} 形成循环：其读取的数据来自自身的输出",
                apps=[app.name for app in left],
            )
        ordered += ready
        left = [app for app in left if app not in ready]
    return tuple(ordered)


def _wrong(app: AnyApp, en: str, zh: str) -> BadConfiguration:
    return BadConfiguration(f"The application {app.name} {en}", f"应用 {app.name} {zh}", app=app.name)
