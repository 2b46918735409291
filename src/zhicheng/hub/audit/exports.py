"""Entries for other systems: syslog lines (RFC 5424) and OpenTelemetry log records (OTLP/JSON)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import orjson

from zhicheng.hub.audit.journal import Found
from zhicheng.kernel import instants
from zhicheng.security.entries import Outcome

_FACILITY = 13
"""Log audit."""
_SEVERITY = {Outcome.ALLOWED: 6, Outcome.DENIED: 4, Outcome.FAILED: 3}
_OTEL_SEVERITY = {Outcome.ALLOWED: (9, "INFO"), Outcome.DENIED: (13, "WARN"), Outcome.FAILED: (17, "ERROR")}
_ENTERPRISE = "acts@32473"
"""Structured data needs an enterprise number; 32473 is the one RFC 5612 keeps for documents and private use."""
_HEADER = re.compile(r"[^!-~]")
_NAME = re.compile(r"[^!-~]|[= \]\"]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _fields(found: Found) -> Iterator[tuple[str, str]]:
    entry = found.entry
    yield "number", str(found.number)
    for name in (
        "kind",
        "action",
        "outcome",
        "principal",
        "tenant",
        "resource",
        "purpose",
        "network",
        "request",
        "why",
    ):
        value: str | None = getattr(entry, name)
        if value is not None:
            yield name, value
    for name, value in (entry.facts or {}).items():
        yield f"facts.{name}", value


def _parameter(name: str, value: str) -> str:
    """A structured-data parameter: quotes, backslashes and brackets escaped, control characters made visible."""
    clean = _CONTROL.sub(lambda hit: f"\\u{ord(hit[0]):04x}", re.sub(r'(["\\\]])', r"\\\1", value))
    return f'{_NAME.sub("_", name)[:32]}="{clean}"'


def syslog(found: Found, host: str) -> str:
    r"""One line of RFC 5424: whatever a name contains, it stays one line and one field.

    >>> from zhicheng.security.entries import Act, Entry
    >>> entry = Entry(0, Act.SIGN_IN, "sign-in", Outcome.DENIED, 'eve"] <0>\n', "t")
    >>> syslog(Found(7, entry), "city").partition("tenant")[0]
    '<108>1 1970-01-01T00:00:00Z city zhicheng - sign-in [acts@32473 number="7" kind="sign-in" action="sign-in"
     outcome="denied" principal="eve\\"\\] <0>\\u000a" '
    """
    entry = found.entry
    priority = _FACILITY * 8 + _SEVERITY[entry.outcome]
    data = " ".join(_parameter(name, value) for name, value in _fields(found))
    name = _HEADER.sub("_", host)[:255] or "-"
    return f"<{priority}>1 {instants.format(entry.at)} {name} zhicheng - {entry.kind} [{_ENTERPRISE} {data}]"


def opentelemetry(found: Iterable[Found], host: str) -> bytes:
    """One ExportLogsServiceRequest as JSON: what an OTLP receiver takes at /v1/logs."""
    records = [_record(one) for one in found]
    resource = {"attributes": [_attribute("service.name", "zhicheng"), _attribute("host.name", host)]}
    scope = {"scope": {"name": "zhicheng.audit"}, "logRecords": records}
    return orjson.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]})


def _record(found: Found) -> dict[str, object]:
    number, text = _OTEL_SEVERITY[found.entry.outcome]
    nanos = str(found.entry.at * 1000)
    return {
        "timeUnixNano": nanos,
        "observedTimeUnixNano": nanos,
        "severityNumber": number,
        "severityText": text,
        "eventName": f"zhicheng.{found.entry.kind}",
        "body": {"stringValue": found.entry.action},
        "attributes": [_attribute(f"zhicheng.{name}", value) for name, value in _fields(found)],
    }


def _attribute(name: str, value: str) -> dict[str, object]:
    return {"key": name, "value": {"stringValue": value}}
