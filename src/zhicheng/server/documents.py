"""Documents the city's file names: contexts by URL, and folders with the city's own data models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from zhicheng.compute.app import AnyApp
from zhicheng.compute.vital import Vital
from zhicheng.compute.vocabulary import with_apps
from zhicheng.hub.intake import IntakeSettings
from zhicheng.kernel.errors import BadConfiguration
from zhicheng.kernel.settings import Where, unknown
from zhicheng.operations.vitals import settings as vital_settings
from zhicheng.operations.vitals.app import app_of
from zhicheng.operations.vitals.defaults import DEFAULTS, PLATFORM
from zhicheng.server.apps import Chosen, chosen, enabled
from zhicheng.server.discovery import installed
from zhicheng.server.settings import CityFile
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.reading import Subject
from zhicheng.standards.ngsild.context import Contexts
from zhicheng.standards.ngsild.model import Json


def read_json(path: Path) -> Any:
    """A JSON file; BadConfiguration says which file is missing or broken."""
    try:
        return orjson.loads(path.read_bytes())
    except OSError as error:
        raise BadConfiguration(
            f"The file {path} cannot be read: {error.strerror}", f"无法读取文件 {path}：{error.strerror}"
        ) from None
    except orjson.JSONDecodeError as error:
        raise BadConfiguration(f"The file {path} is not JSON: {error}", f"文件 {path} 不是 JSON：{error}") from None


def contexts_of(city: CityFile) -> dict[str, Json]:
    """[contexts]: URL -> document."""
    return {url: read_json(city.folder / file) for url, file in city.settings.contexts.items()}


def models_of(city: CityFile) -> Catalogue:
    """All models of the city: its own, and what its applications bring."""
    return with_apps(own_models_of(city), enabled(applications_of(city), city.settings.apps))


def chosen_of(city: CityFile) -> tuple[Chosen, ...]:
    """The applications that run in the city, those first that others read from."""
    told, zone = city.settings.apps, city.settings.city.time_zone
    return chosen(applications_of(city), told, own_models_of(city), zone, city.name)


def applications_of(city: CityFile) -> dict[str, AnyApp]:
    """Every application that there is: those installed, and the one that derives the city's vital signs."""
    derived = app_of(vitals_of(city), own_models_of(city).terms())
    return {**installed(), derived.name: derived}


def vitals_of(city: CityFile) -> tuple[Vital, ...]:
    """The city's vital signs: those that every city has, those of its applications, and what its file says of them."""
    brought = [vital for app in enabled(installed(), city.settings.apps) for vital in app.vitals]
    terms = own_models_of(city).terms()
    return vital_settings.chosen((*PLATFORM, *DEFAULTS, *brought), city.settings.vitals, terms, city.name)


def own_models_of(city: CityFile) -> Catalogue:
    """The built-in models and those of the city's folders: SUBJECT/context.jsonld, SUBJECT/MODEL/schema.json."""
    catalogue = Catalogue.builtin()
    folders = city.settings.models.folders
    return catalogue.adding(_subjects(city.folder, folders)) if folders else catalogue


def _subjects(at: Path, folders: tuple[str, ...]) -> Iterator[Subject]:
    for folder in folders:
        root = at / folder
        contexts = sorted(root.glob("*/context.jsonld"))
        if not contexts:
            raise BadConfiguration(
                f"The models folder {root} holds no SUBJECT/context.jsonld",
                f"模型文件夹 {root} 中没有 主题/context.jsonld",
            )
        for context in contexts:
            schemas = {path.parent.name: read_json(path) for path in sorted(context.parent.glob("*/schema.json"))}
            yield Subject(context.parent.name, read_json(context), schemas)


def contexts_with(city: CityFile) -> Contexts:
    """Every @context of the city: those its file maps, and as default the terms of its models."""
    models: Json = {"@context": dict(models_of(city).terms())}
    return Contexts(contexts_of(city), models=models)


def checks_of(file: CityFile, models: Catalogue) -> IntakeSettings:
    """What to do with entities that break their model, by type; a type that has no model is told with the nearest."""
    names = {model.name: model.iri for model in models.models()}
    checks = {}
    for name, policy in file.settings.models.checks.items():
        if name not in names and models.model(name) is None:
            raise unknown(Where(file.name).of("models").of("checks"), name, names)
        checks[names.get(name, name)] = policy
    return IntakeSettings(file.settings.models.default_check, checks)
