"""All benchmarks, in the order in which they run."""

from __future__ import annotations

from benchmarks import (
    append,
    apps,
    arrival,
    audit,
    backlog,
    bologna,
    demo,
    disk,
    filtered,
    filtered_sql,
    forecast,
    get,
    notify,
    parking,
    policy,
    post,
    query,
    start,
    stream,
    tiles,
    upsert,
    vitals,
)

_MODULES = (
    upsert,
    post,
    get,
    query,
    start,
    demo,
    tiles,
    append,
    notify,
    audit,
    policy,
    filtered,
    filtered_sql,
    disk,
    apps,
    parking,
    forecast,
    arrival,
    bologna,
    stream,
    vitals,
    backlog,
)

BENCHMARKS = {module.BENCHMARK.name: module.BENCHMARK for module in _MODULES}
OWNER = {figure.name: benchmark.name for benchmark in BENCHMARKS.values() for figure in benchmark.figures}
"""Figure -> the benchmark that measures it."""
