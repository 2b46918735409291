"""The streets as a graph, and the quickest ways through it."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from zhicheng.demo.streets import SPEED_KMH, Streets, components
from zhicheng.kernel.columns import F8, I8

Step = tuple[int, int, int]
"""A neighbour: node, piece, and whether the piece is driven from its start (1) or from its end (-1)."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Pieces that may be used, by node; `seconds` of each piece when the road is free."""

    nodes: F8
    steps: tuple[tuple[Step, ...], ...]
    seconds: F8
    usable: I8


def graph(net: Streets, kinds: tuple[int, ...]) -> Graph:
    """Of the pieces of some classes, as far as they hang together; `usable` are its nodes."""
    rows = np.flatnonzero(np.isin(net.kind, kinds))
    label = components(np.stack([net.start[rows], net.end[rows]]), len(net.nodes))
    biggest = np.bincount(label[net.start[rows]]).argmax()
    rows = rows[label[net.start[rows]] == biggest]
    steps: list[list[Step]] = [[] for _ in net.nodes]
    for row, start, end in zip(rows.tolist(), net.start[rows].tolist(), net.end[rows].tolist(), strict=True):
        steps[start].append((end, row, 1))
        steps[end].append((start, row, -1))
    seconds = net.length / (SPEED_KMH[net.kind] / 3.6)
    used = np.unique(np.concatenate([net.start[rows], net.end[rows]]))
    return Graph(net.nodes, tuple(map(tuple, steps)), seconds, used)


def quickest(ways: Graph, start: int, goal: int, worth: F8 | None = None) -> list[tuple[int, int]]:
    """Pieces and directions from a node to another, by Dijkstra's algorithm; empty where there is no way.

    worth: what each piece costs, unless told the seconds
    """
    cost = (ways.seconds if worth is None else worth).tolist()
    best = {start: 0.0}
    came: dict[int, Step] = {}
    queue = [(0.0, start)]
    done = set()
    while queue:
        so_far, node = heapq.heappop(queue)
        if node == goal:
            break
        if node in done:
            continue
        done.add(node)
        for other, piece, way in ways.steps[node]:
            told = so_far + cost[piece]
            if told < best.get(other, np.inf):
                best[other] = told
                came[other] = (node, piece, way)
                heapq.heappush(queue, (told, other))
    found = []
    while goal != start and goal in came:
        goal, piece, way = came[goal]
        found.append((piece, way))
    return found[::-1]


def line_of(net: Streets, path: list[tuple[int, int]]) -> F8:
    """The line of a way, without its corners twice."""
    parts = [net.lines[piece][::way] for piece, way in path]
    return np.concatenate([parts[0][:1], *(part[1:] for part in parts)])
