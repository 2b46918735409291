"""Which applications there are: those in our own folder, and those that other packages bring by entry point.

An application is found, never listed: a new one touches no file that is there.
"""

from __future__ import annotations

import logging
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec

from zhicheng.compute.app import AnyApp, App
from zhicheng.kernel.errors import BadConfiguration

_log = logging.getLogger(__name__)
PACKAGE = "zhicheng.apps"
"""The package whose folders are applications, each with `APP` in its module `app`."""
GROUP = "zhicheng.apps"
"""The group of entry points; each names an `App`, as `MODULE:APP`."""


def installed(*, strict: bool = False) -> dict[str, AnyApp]:
    """All applications by name. BadConfiguration where two have one name.

    One that cannot be loaded is left out, and the log says why; `strict` raises instead.
    """
    found: dict[str, AnyApp] = {}
    for place, load in (*_own(), *_brought()):
        try:
            app = _loaded(place, load)
        except BadConfiguration as error:
            if strict:
                raise
            _log.error("%s", error)
            continue
        if app.name in found:
            raise BadConfiguration(
                f"Two applications are called {app.name}; {place} is the second: uninstall one of them",
                f"有两个名为 {app.name} 的应用，{place} 是第二个：请卸载其中一个",
            )
        found[app.name] = app
    return dict(sorted(found.items()))


def _loaded(place: str, load: Callable[[], object]) -> AnyApp:
    try:
        app = load()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise BadConfiguration(
            f"The application {place} cannot be loaded: {said}", f"无法加载应用 {place}：{said}"
        ) from error
    if not isinstance(app, App):
        raise BadConfiguration(f"{place} is no application", f"{place} 不是应用")
    return app


def _own() -> Iterator[tuple[str, Callable[[], object]]]:
    spec = find_spec(PACKAGE)
    for one in pkgutil.iter_modules(spec.submodule_search_locations if spec else None, PACKAGE + "."):
        if spec is not None and one.ispkg:
            yield one.name, partial(_member, f"{one.name}.app")


def _member(module: str) -> object:
    return getattr(import_module(module), "APP", None)


def _brought() -> Iterator[tuple[str, Callable[[], object]]]:
    for point in _points():
        yield f"{point.name} = {point.value}", point.load


@cache
def _points() -> tuple[EntryPoint, ...]:
    """Looked for in every installed package, once: what is installed meanwhile takes a new start."""
    return tuple(entry_points(group=GROUP))
