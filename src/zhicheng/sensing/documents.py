"""Files of NGSI-LD documents: which entities they hold."""

from __future__ import annotations

from zhicheng.sensing.records import parse_json


def ngsild_documents(body: bytes) -> list[object]:
    r"""The entity documents of an array, of one object, or of JSON lines.

    >>> ngsild_documents(b'{"id": 1}\n{"id": 2}')
    [{'id': 1}, {'id': 2}]
    """
    lines = body.splitlines()
    if body.lstrip()[:1] == b"{" and len(lines) > 1 and lines[0].rstrip().endswith(b"}"):
        return [parse_json(line) for line in lines if line.strip()]
    found = parse_json(body)
    return found if isinstance(found, list) else [found]
