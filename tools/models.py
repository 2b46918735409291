"""Draws the merged @context of the data models and the tables of docs/models.md; with --check says what is stale."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.model import AttributeModel, Model
from zhicheng.standards.ngsild.model import Kind
from zhicheng.standards.units import UNITS

ROOT = Path(__file__).resolve().parent.parent
CONTEXT = ROOT / "src" / "zhicheng" / "standards" / "models" / "context.jsonld"
PAGE = ROOT / "docs" / "models.md"
MARK = "<!-- from here on drawn by tools/models.py -->\n"


def context() -> str:
    """The merged @context, as the file holds it."""
    return json.dumps(Catalogue.builtin().context(), ensure_ascii=False, indent=2) + "\n"


def page(old: str) -> str:
    """The page with its tables drawn anew below the mark."""
    written = old.partition(MARK)[0]
    return written + MARK + "\n" + "\n".join(_tables(Catalogue.builtin().models())) + "\n"


def _tables(models: tuple[Model, ...]) -> Iterator[str]:
    shared = set.intersection(*(set(model.attributes) for model in models))
    yield f"{len(models)} models.\n"
    yield "| subject | type | 类型 | what it is | 说明 |\n|---|---|---|---|---|"
    for model in models:
        yield (
            f"| {model.subject} | [{model.name}](#{model.name.lower()}) | {model.label.zh} "
            f"| {model.description.en} | {model.description.zh} |"
        )
    yield "\n## Attributes of every model\n"
    yield from _rows(attribute for iri, attribute in models[0].attributes.items() if iri in shared)
    for subject, members in groupby(models, key=lambda model: model.subject):
        yield f"\n## {subject}"
        for model in members:
            yield f"\n### {model.name}\n\n{model.label.en} · {model.label.zh}. `{model.iri}`\n"
            yield from _rows(
                (attribute for iri, attribute in model.attributes.items() if iri not in shared), model.required
            )


def _rows(attributes: Iterator[AttributeModel], required: tuple[str, ...] = ()) -> Iterator[str]:
    yield "| attribute | label | 名称 | value | unit |\n|---|---|---|---|---|"
    for attribute in attributes:
        unit = UNITS[attribute.unit].symbol or attribute.unit if attribute.unit else ""
        name = f"**{attribute.name}**" if attribute.iri in required else attribute.name
        yield f"| {name} | {attribute.label.en} | {attribute.label.zh} | {_value(attribute)} | {unit} |"


def _value(attribute: AttributeModel) -> str:
    """In words, what an attribute takes."""
    if attribute.kind is Kind.GEO:
        return "geometry"
    if attribute.kind is Kind.RELATIONSHIP:
        return "relationships" if attribute.many else "relationship"
    many = "list of " if attribute.many else ""
    if attribute.choices:
        return many + ", ".join(f"{choice} {label.zh}" for choice, label in attribute.choices.items())
    types = sorted(attribute.range - {"array"}) + sorted(attribute.items)
    span = [f"{bound:g}" for bound in (attribute.lowest, attribute.highest) if abs(bound) != float("inf")]
    return many + (" or ".join(types) or "anything") + (f", {' to '.join(span)}" if len(span) == 2 else "")


def main(check: bool) -> int:
    """Write both files, or with `check` only say which differs."""
    wanted = {CONTEXT: context(), PAGE: page(PAGE.read_text("utf-8"))}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if check:
            print(f"{path.relative_to(ROOT)} is stale: run python tools/models.py")
        else:
            path.write_text(wanted[path], "utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    unknown = [word for word in sys.argv[1:] if not re.fullmatch("--check", word)]
    sys.exit(f"unknown: {unknown[0]}" if unknown else main("--check" in sys.argv))
