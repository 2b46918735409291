"""Which applications there are: those in our own folder, and those that other packages bring by entry point.

An application is found, never listed: a new one touches no file that is there.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec

from zhicheng.compute.app import AnyApp, App
from zhicheng.kernel.errors import BadConfiguration

PACKAGE = "zhicheng.apps"
"""The package whose folders are applications, each with `APP` in its module `app`."""
GROUP = "zhicheng.apps"
"""The group of entry points; each names an `App`, as `MODULE:APP`."""


def installed() -> dict[str, AnyApp]:
    """All applications by name. BadConfiguration where two have one name or something is no application."""
    found: dict[str, AnyApp] = {}
    for place, app in (*_own(), *_brought()):
        if not isinstance(app, App):
            raise BadConfiguration(f"{place} is no application", f"{place} 不是应用")
        if app.name in found:
            raise BadConfiguration(
                f"Two applications are called {app.name}; {place} is the second: uninstall one of them",
                f"有两个名为 {app.name} 的应用，{place} 是第二个：请卸载其中一个",
            )
        found[app.name] = app
    return dict(sorted(found.items()))


def _own() -> Iterator[tuple[str, object]]:
    spec = find_spec(PACKAGE)
    for one in pkgutil.iter_modules(spec.submodule_search_locations if spec else None, PACKAGE + "."):
        if spec is not None and one.ispkg and find_spec(f"{one.name}.app") is not None:
            yield one.name, getattr(import_module(f"{one.name}.app"), "APP", None)


def _brought() -> Iterator[tuple[str, object]]:
    for point in entry_points(group=GROUP):
        try:
            yield f"{point.name} = {point.value}", point.load()
        except (ImportError, AttributeError) as error:
            raise BadConfiguration(
                f"The application {point.name} cannot be loaded from {point.value}: {error}",
                f"无法从 {point.value} 加载应用 {point.name}：{error}",
            ) from error
