"""Random policies, entities and requests; and, run as a program, a million decisions beside Cedar's own.

`python -m tests.security.cedar.chance 1000000 [SEED]`
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cedarpy

from zhicheng.security.cedar import values
from zhicheng.security.cedar.entities import Entities, Entity, Overlay
from zhicheng.security.cedar.parse import parse
from zhicheng.security.cedar.table import Table
from zhicheng.security.cedar.values import Uid, Value, quoted, set_of

PEOPLE = [Uid("Person", name) for name in ("li", "wang", "zhao", "chen")] + [
    Uid("City::Device", "7"),
    Uid("Person", "no"),
]
GROUPS = [Uid("Department", name) for name in ("roads", "water", "city")] + [
    Uid("Role", "reader"),
    Uid("Role", "admin"),
]
ACTIONS = [Uid("Action", name) for name in ("read", "write", "erase", "unknown")]
ACTION_GROUPS = [Uid("Action", "all"), Uid("Action", "reading")]
RESOURCES = [Uid("Entity", name) for name in ("a", "b", "c", "gone")] + [Uid("Tenant", "t"), Uid("Area", "north")]
EVERYONE = [*PEOPLE, *GROUPS, *RESOURCES]
TEXTS = ["", "a", "abc", "a*c", "x\ny", "张三", 'q"\\', "public", "10.0.0.1"]
IPS = [
    "10.0.0.1",
    "10.0.0.0/8",
    "127.0.0.1",
    "127.0.0.0/8",
    "::1",
    "fe80::/10",
    "224.0.0.1",
    "0.0.0.0/0",
    "no",
    "ff02::1",
]
DECIMALS = ["0.0", "1.5", "1.50", "-3.1415", "922337203685477.5807", "1.23456", "x"]
DATETIMES = [
    "1970-01-01",
    "2026-11-28T08:00:00Z",
    "2026-11-28T08:00:00.123+0800",
    "2024-02-30",
    "1969-12-31T23:59:59.999Z",
]
DURATIONS = ["1d", "-1h30m", "5ms", "1d2h3m4s5ms", "0s", "-999ms", "90m", "x"]
NUMBERS = [0, 1, -1, 2, 7, 100, values.MOST, values.LEAST]
FIELDS = {
    "n": "long", "m": "long", "flag": "bool", "name": "string", "kind": "string", "friend": "entity",
    "tags": "strings", "team": "entities", "where": "record", "addr": "ip", "cost": "decimal", "when": "datetime",
    "span": "duration", "odd name": "long",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """Policies' text and the entities they are decided among; `json`: the same for Cedar."""

    text: str
    entities: list[Entity]
    json: list[dict[str, Any]]


class Chance:
    """Draws expressions of wanted types; now and then of another, so that evaluations fail too."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.makers = {
            "bool": self.boolean, "long": self.long, "string": self.string, "entity": self.entity,
            "strings": self.strings, "entities": self.entities, "record": self.record, "ip": self.ip,
            "decimal": self.decimal, "datetime": self.datetime, "duration": self.duration,
        }  # fmt: skip

    def pick(self, *choices: str) -> str:
        return self.dice.choice(choices)

    def of(self, kind: str, depth: int) -> str:
        """An expression; one in twenty-five of any type at all."""
        if self.dice.random() < 0.04:
            kind = self.dice.choice(list(self.makers))
        if depth > 0 and self.dice.random() < 0.08:
            return f"(if {self.of('bool', depth - 1)} then {self.of(kind, depth - 1)} else {self.of(kind, depth - 1)})"
        if self.dice.random() < 0.35:
            return self.field(kind)
        return self.makers[kind](depth)

    def field(self, kind: str) -> str:
        """An attribute of that type, of something."""
        names = [name for name, found in FIELDS.items() if found == kind]
        base = self.pick("principal", "principal", "resource", "resource", "context", "context", "resource.where")
        if self.dice.random() < 0.05:
            base = str(self.dice.choice(EVERYONE))
        name = self.dice.choice(names)
        return f"{base}[{quoted(name)}]" if " " in name or self.dice.random() < 0.1 else f"{base}.{name}"

    def boolean(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("true", "false", self.has())
        one = depth - 1
        makers: list[Callable[[], str]] = [
            lambda: f"({self.of('bool', one)} && {self.of('bool', one)})",
            lambda: f"({self.of('bool', one)} || {self.of('bool', one)})",
            lambda: f"!{self.paren('bool', one)}",
            lambda: (
                f"{self.paren('long', one)} {self.pick('<', '<=', '>', '>=', '==', '!=')} {self.paren('long', one)}"
            ),
            lambda: self.equal(one),
            lambda: f"{self.paren('entity', one)} in {self.pick(self.paren('entity', one), self.entities(one))}",
            lambda: f"{self.paren('entity', one)} is {self.pick('Person', 'City::Device', 'Entity', 'Department')}",
            lambda: f"{self.paren('string', one)} like {self.pattern()}",
            self.has,
            lambda: f"{self.paren('strings', one)}.contains({self.of('string', one)})",
            lambda: (
                f"{self.paren('strings', one)}.{self.pick('containsAll', 'containsAny')}({self.of('strings', one)})"
            ),
            lambda: f"{self.paren('entities', one)}.{self.pick('contains', 'contains')}({self.of('entity', one)})",
            lambda: f"{self.paren(self.pick('strings', 'entities'), one)}.isEmpty()",
            lambda: f"{self.paren('ip', one)}.{self.pick('isIpv4', 'isIpv6', 'isLoopback', 'isMulticast')}()",
            lambda: f"{self.paren('ip', one)}.isInRange({self.of('ip', one)})",
            lambda: f"{self.paren('decimal', one)}.{self.decimal_order()}({self.of('decimal', one)})",
            lambda: f"{self.paren('datetime', one)} {self.pick('<', '<=', '>', '>=')} {self.paren('datetime', one)}",
            lambda: f"{self.paren('duration', one)} {self.pick('<', '<=', '>', '>=')} {self.paren('duration', one)}",
            lambda: f"{self.paren('entity', one)}.hasTag({self.of('string', one)})",
        ]
        return self.dice.choice(makers)()

    def decimal_order(self) -> str:
        return self.pick("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual")

    def equal(self, depth: int) -> str:
        kind = self.dice.choice(list(self.makers))
        return f"{self.paren(kind, depth)} {self.pick('==', '!=')} {self.paren(kind, depth)}"

    def has(self) -> str:
        base = self.pick("principal", "resource", "context", "resource.where", 'Department::"roads"')
        if self.dice.random() < 0.2:
            return f"({base} has where.n)"
        return f"({base} has {quoted(self.dice.choice([*FIELDS, 'none']))})"

    def paren(self, kind: str, depth: int) -> str:
        return f"({self.of(kind, depth)})"

    def pattern(self) -> str:
        pieces = [self.pick("*", "a", "c", "\\*", "x", "\\n", "**", "张") for _ in range(self.dice.randrange(4))]
        return '"' + "".join(pieces) + '"'

    def long(self, depth: int) -> str:
        if depth <= 0 or self.dice.random() < 0.5:
            return str(self.dice.choice(NUMBERS))
        one = depth - 1
        if self.dice.random() < 0.25:
            span = self.paren("duration", one)
            return f"{span}.{self.pick('toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays')}()"
        if self.dice.random() < 0.2:
            return f"-{self.paren('long', one)}"
        return f"{self.paren('long', one)} {self.pick('+', '-', '*')} {self.paren('long', one)}"

    def string(self, depth: int) -> str:
        if depth > 0 and self.dice.random() < 0.1:
            return f"{self.paren('entity', depth - 1)}.getTag({self.of('string', 0)})"
        return quoted(self.dice.choice(TEXTS))

    def entity(self, depth: int) -> str:
        if self.dice.random() < 0.5:
            return self.pick("principal", "resource", "action")
        return str(self.dice.choice([*EVERYONE, *ACTIONS]))

    def strings(self, depth: int) -> str:
        return "[" + ", ".join(self.of("string", depth - 1) for _ in range(self.dice.randrange(4))) + "]"

    def entities(self, depth: int) -> str:
        return "[" + ", ".join(self.of("entity", depth - 1) for _ in range(self.dice.randrange(4))) + "]"

    def record(self, depth: int) -> str:
        return "{" + f"n: {self.of('long', depth - 1)}, {quoted('name')}: {self.of('string', depth - 1)}" + "}"

    def ip(self, depth: int) -> str:
        return f"ip({quoted(self.dice.choice(IPS))})"

    def decimal(self, depth: int) -> str:
        return f"decimal({quoted(self.dice.choice(DECIMALS))})"

    def datetime(self, depth: int) -> str:
        if depth > 0 and self.dice.random() < 0.3:
            one = depth - 1
            offset = f"{self.paren('datetime', one)}.offset({self.of('duration', one)})"
            return self.pick(offset, f"{self.paren('datetime', one)}.toDate()")
        return f"datetime({quoted(self.dice.choice(DATETIMES))})"

    def duration(self, depth: int) -> str:
        if depth > 0 and self.dice.random() < 0.3:
            one = depth - 1
            since = f"{self.paren('datetime', one)}.durationSince({self.of('datetime', one)})"
            return self.pick(since, f"{self.paren('datetime', one)}.toTime()")
        return f"duration({quoted(self.dice.choice(DURATIONS))})"

    # policies ----------------------------------------------------------------------------------------------

    def scope(self, name: str, some: list[Uid]) -> str:
        uid, kind = self.dice.choice(some), self.dice.choice(some).type
        group = self.dice.choice(GROUPS)
        return self.pick(
            name, name, name, f"{name} == {uid}", f"{name} in {group}", f"{name} is {kind}",
            f"{name} is {kind} in {group}",
        )  # fmt: skip

    def action_scope(self) -> str:
        some = ", ".join(str(uid) for uid in self.dice.sample([*ACTIONS, *ACTION_GROUPS], self.dice.randrange(3)))
        one, group = self.dice.choice(ACTIONS), self.dice.choice(ACTION_GROUPS)
        return self.pick("action", "action", f"action == {one}", f"action in {group}", f"action in [{some}]")

    def policy(self, number: int) -> str:
        effect = "permit" if self.dice.random() < 0.7 else "forbid"
        head = f"({self.scope('principal', PEOPLE)}, {self.action_scope()}, {self.scope('resource', RESOURCES)})"
        conditions = [
            f"{self.pick('when', 'when', 'unless')} {{ {self.of('bool', self.dice.randrange(4))} }}"
            for _ in range(self.dice.choice((0, 1, 1, 2)))
        ]
        return f'@id("p{number}") {effect} {head} {" ".join(conditions)};'

    # values ------------------------------------------------------------------------------------------------

    def value(self, kind: str) -> tuple[Value, Any]:
        """A value of an attribute, ours and Cedar's JSON."""
        dice = self.dice
        match kind:
            case "long":
                number = dice.choice(NUMBERS)
                return number, number
            case "bool":
                flag = dice.random() < 0.5
                return flag, flag
            case "string":
                text = dice.choice(TEXTS)
                return text, text
            case "entity":
                uid = dice.choice(EVERYONE)
                return uid, {"__entity": {"type": uid.type, "id": uid.id}}
            case "strings" | "entities":
                pairs = [self.value("string" if kind == "strings" else "entity") for _ in range(dice.randrange(4))]
                return set_of(mine for mine, _ in pairs), [theirs for _, theirs in pairs]
            case "record":
                return self.attributes(("n", "name", "flag"), 0.8)
            case _:
                texts = {"ip": IPS, "decimal": DECIMALS, "datetime": DATETIMES, "duration": DURATIONS}[kind]
                maker = getattr(values, kind)
                while True:
                    text = dice.choice(texts)
                    try:
                        return maker(text), {"__extn": {"fn": kind, "arg": text}}
                    except values.Failed:
                        continue

    def attributes(
        self, names: tuple[str, ...] = tuple(FIELDS), share: float = 0.7
    ) -> tuple[dict[str, Value], dict[str, Any]]:
        mine: dict[str, Value] = {}
        theirs: dict[str, Any] = {}
        for name in names:
            if self.dice.random() < share:
                kind = FIELDS[name] if self.dice.random() < 0.95 else self.dice.choice(list(self.makers))
                if kind != "record" or len(names) > 3:
                    mine[name], theirs[name] = self.value(kind)
        return mine, theirs

    def one(self, uid: Uid, parents: list[Uid]) -> tuple[Entity, dict[str, Any]]:
        mine, theirs = ({}, {}) if uid.type == "Action" else self.attributes()
        tags = {} if uid.type == "Action" else {text: text for text in self.dice.sample(TEXTS, 2)}
        chosen = [parent for parent in parents if self.dice.random() < 0.4]
        entity = Entity(uid, mine, frozenset(chosen), dict(tags))
        return entity, {
            "uid": {"type": uid.type, "id": uid.id}, "attrs": theirs, "tags": tags,
            "parents": [{"type": parent.type, "id": parent.id} for parent in chosen],
        }  # fmt: skip

    def world(self, policies: int = 6) -> World:
        pairs = [self.one(uid, GROUPS) for uid in (*PEOPLE[:-1], *RESOURCES) if uid.id != "gone"]
        pairs += [self.one(uid, GROUPS[number + 1 :]) for number, uid in enumerate(GROUPS)]
        pairs += [self.one(uid, ACTION_GROUPS) for uid in ACTIONS[:-1]]
        pairs += [self.one(uid, []) for uid in ACTION_GROUPS]
        text = "\n".join(self.policy(number) for number in range(self.dice.randrange(1, policies + 1)))
        return World(text, [mine for mine, _ in pairs], [theirs for _, theirs in pairs])

    def request(self) -> tuple[Uid, Uid, Uid, dict[str, Value], dict[str, Any]]:
        mine, theirs = self.attributes()
        asked = self.dice.choice(PEOPLE), self.dice.choice(ACTIONS), self.dice.choice(RESOURCES)
        return *asked, mine, {
            "principal": str(asked[0]), "action": str(asked[1]), "resource": str(asked[2]), "context": theirs,
        }  # fmt: skip


def compared(seed: int, requests: int, *, reasons: bool = False) -> Iterator[tuple[str, bool, bool]]:
    """Decisions of one world: what was asked, our answer, Cedar's."""
    chance = Chance(seed)
    world = chance.world()
    asked = [chance.request() for _ in range(requests)]
    theirs = cedarpy.is_authorized_batch([each[4] for each in asked], world.text, world.json)
    stays = [entity for entity in world.entities if entity.uid.type not in ("Entity", "Tenant", "Area")]
    comes = [entity for entity in world.entities if entity.uid.type in ("Entity", "Tenant", "Area")]
    table = Table(parse(world.text), Entities(stays))
    entities = Overlay(table.entities, comes)
    for (principal, action, resource, context, document), found in zip(asked, theirs, strict=True):
        if found.decision is cedarpy.Decision.NoDecision:
            raise AssertionError(f"Cedar refuses: {found.diagnostics.errors}\n{world.text}")
        ours = table.allows(principal, action, resource, context, entities)
        yield f"seed {seed}\n{world.text}\n{json.dumps(document, ensure_ascii=False)}", ours, found.allowed
        if reasons:
            said = table.reasons(principal, action, resource, context, entities)
            names = found.diagnostics.id_annotations_by_reason.values()
            assert {policy.id for policy in said.policies} == set(names), document
            assert len(said.failed) == len(found.diagnostics.errors), (document, said.failed, found.diagnostics.errors)


def main() -> int:
    """So many decisions; 1 where one differs."""
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    began, done, allowed, differences = time.perf_counter(), 0, 0, 0
    while done < count:
        for asked, ours, theirs in compared(seed, 200, reasons=seed % 50 == 0):
            done += 1
            allowed += theirs
            if ours != theirs:
                differences += 1
                sys.stdout.write(f"{asked}\nours {ours}, Cedar's {theirs}\n")
        seed += 1
    taken = time.perf_counter() - began
    sys.stdout.write(f"{done} decisions, {allowed} allowed, {differences} differences, {taken:.0f} s\n")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
