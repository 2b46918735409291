"""q, the NGSI-LD query language (CIM 009 4.9): text to tree and back.

Taken beyond the grammar, as other brokers do: `!attribute` (absence), `!(...)`, quoted dates, unquoted words as text,
full IRIs as names, list positions and quoted names in a trail. Not done: `relationship{attribute}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

import orjson

from zhicheng.kernel.errors import Invalid, NotSupported
from zhicheng.standards.filter import moments
from zhicheng.standards.filter.grammar import Reader
from zhicheng.standards.filter.grammar import parse as parse_logic
from zhicheng.standards.filter.tree import (
    ATTRIBUTE_MEMBERS,
    ENTITY_MEMBERS,
    ORDERS,
    And,
    Between,
    Compare,
    Exists,
    In,
    Matches,
    Node,
    Not,
    Operand,
    Or,
    Order,
    Path,
)
from zhicheng.standards.ngsild.names import NAMESPACE

Expand = Callable[[str], str]

_SHORT = re.compile(r"(?!https?://|urn:)[^\s.;|()\[\]{}=!<>~,\"&]+")
_NAME = re.compile(rf"(?:https?://|urn:)[^\s;|()\[\]{{}}=!<>~,\"]+|{_SHORT.pattern}")
_STEP = re.compile(r"[^\s.\[\]\"]+")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_LITERAL = re.compile(
    f"(?:(?P<moment>{moments.DATE_TIME}|{moments.TIME}|{moments.DATE})"
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?))(?=\.\.|[\s;|),]|$)"
)
_WORD = re.compile(r"[^\s;|(),\"]+?(?=\.\.|[\s;|(),\"]|$)")
_DIGITS = 100
"""Characters of the longest number."""


def parse(text: str, expand: Expand, expand_values: Collection[str] = ()) -> Node:
    """The tree of a q text, already URL-decoded.

    expand: the IRI of a short name; expand_values: short names of the attributes whose values are expanded too.

    >>> parse("speed>50;name~=^Bus", "urn:".__add__)
    And(parts=(Compare(path=Path(attribute='urn:speed', sub=(), trail=(), dataset=None), order='>',
        operand=Operand(kind='number', value=50)),
        Matches(path=Path(attribute='urn:name', sub=(), trail=(), dataset=None), pattern='^Bus', negated=False)))
    """
    return parse_logic(text, "q", _Terms(expand, frozenset(expand_values)).term)


class _Terms:
    """Reads the terms of one text."""

    def __init__(self, expand: Expand, expand_values: frozenset[str]) -> None:
        self.expand = expand
        self.expand_values = expand_values

    def term(self, reader: Reader) -> Node:
        absent = reader.take("!")
        if absent and reader.sees("("):
            raise reader.fail(
                "! stands before an attribute only; write != and !~= instead", "! 只能放在属性名前；请改用 != 和 !~="
            )
        start = reader.at
        path, name = self.path(reader)
        reader.skip()
        if absent:
            return Not(Exists(path))
        if reader.take("!~="):
            return _matches(reader, path, negated=True)
        if reader.take("~="):
            return _matches(reader, path, negated=False)
        for order in ORDERS:
            if reader.take(order):
                return self.comparison(reader, path, order, name in self.expand_values)
        if reader.sees("{"):
            reader.at = start
            raise _linked(reader)
        return Exists(path)

    def path(self, reader: Reader) -> tuple[Path, str]:
        """The path, and its first name as written."""
        first = _name(reader)
        names = [first]
        while reader.sees("."):
            reader.at += 1
            names.append(_name(reader))
        trail: list[str] = []
        while reader.take("["):
            trail.extend(_steps(reader))
        if len(names) == 1 and not trail and NAMESPACE + first in ENTITY_MEMBERS:
            return Path(NAMESPACE + first), first
        sub = tuple(
            NAMESPACE + name if NAMESPACE + name in ATTRIBUTE_MEMBERS else self.expand(name) for name in names[1:]
        )
        if any(name in ATTRIBUTE_MEMBERS for name in sub[:-1]) or (trail and sub and sub[-1] in ATTRIBUTE_MEMBERS):
            raise reader.fail("observedAt and its like have nothing below them", "observedAt 等成员之下没有内容")
        return Path(self.expand(first), sub, tuple(trail)), first

    def comparison(self, reader: Reader, path: Path, order: Order, expanded: bool) -> Node:
        """What follows ==, !=, <, ...: a literal; after == and != also a list, a range, a URI or word."""
        start = reader.at
        first, comparable = self.operand(reader, expanded)
        equality = order in ("==", "!=")
        if not equality and not comparable:
            reader.at = start
            raise reader.fail(
                f"{order} takes a number, a date, a time or text in quotes",
                f"{order} 之后应为数字、日期、时间或带引号的文本",
            )
        if not (reader.sees("..") or reader.sees(",")):
            return Compare(path, order, first)
        if not equality:
            raise reader.fail(
                f"{order} takes one value; lists and ranges go with == and !=",
                f"{order} 只接受一个值；列表和区间用于 == 和 !=",
            )
        if reader.take(".."):
            return self.range(reader, path, first, comparable, order == "!=")
        operands = [first]
        while reader.take(","):
            operands.append(self.operand(reader, expanded)[0])
        return In(path, tuple(operands), order == "!=")

    def range(self, reader: Reader, path: Path, low: Operand, comparable: bool, negated: bool) -> Node:
        """The upper end of a range."""
        start = reader.at
        high, also = self.operand(reader, expanded=False)
        if not (comparable and also) or low.kind != high.kind:
            reader.at = start
            raise reader.fail(
                "both ends of a range are numbers, or dates, or times, or text in quotes",
                "区间两端须同为数字、日期、时间或带引号的文本",
            )
        return Between(path, low, high, negated)

    def operand(self, reader: Reader, expanded: bool) -> tuple[Operand, bool]:
        """A literal, and whether it is one that orders (the grammar's ComparableValue)."""
        if reader.sees('"'):
            text = _string(reader)
            reader.skip()
            return Operand("text", self.expand(text) if expanded else text), True
        found = _LITERAL.match(reader.text, reader.at)
        if found:
            operand = _moment(reader, found["moment"]) if found["moment"] else _number(reader, found["number"])
            reader.at = found.end()
            reader.skip()
            return operand, True
        return self.word(reader, expanded), False

    def word(self, reader: Reader, expanded: bool) -> Operand:
        """true, false, a URI or a plain word."""
        found = _WORD.match(reader.text, reader.at)
        if not found or not found[0][0].isalpha() or found[0] == "null":
            raise reader.fail(
                'expected a value: a number, "text", a date, true, false or a URI (for absence write !attribute)',
                '应为值：数字、"文本"、日期、true、false 或 URI（判断不存在请写 !属性）',
            )
        reader.at = found.end()
        reader.skip()
        if found[0] in ("true", "false"):
            return Operand("boolean", found[0] == "true")
        return Operand("text", self.expand(found[0]) if expanded else found[0])


def _linked(reader: Reader) -> NotSupported:
    return NotSupported(
        f"q, character {reader.at + 1}: conditions on linked entities, relationship{{attribute}}, are not supported; "
        "query the linked entities first",
        f"q 第 {reader.at + 1} 个字符：不支持对关联实体的条件 relationship{{attribute}}；请先查询被关联的实体",
        parameter="q",
        position=reader.at,
    )


def _name(reader: Reader) -> str:
    start = reader.at
    name = reader.match(_NAME)
    if name is None or not (name[0].isalpha() or name[0] in "_@"):
        reader.at = start
        raise reader.fail("expected the name of an attribute", "应为属性名称")
    return name


def _steps(reader: Reader) -> list[str]:
    """What stands in brackets, up to the closing one."""
    steps = []
    while True:
        step = _string(reader) if reader.sees('"') else reader.match(_STEP)
        if step is None:
            raise reader.fail("expected a member name, a position or a language", "应为成员名称、序号或语言")
        steps.append(step)
        if reader.take("]"):
            return steps
        if not reader.take("."):
            raise reader.fail("a closing bracket is missing", "缺少右方括号")


def _string(reader: Reader) -> str:
    found = _QUOTED.match(reader.text, reader.at)
    if not found:
        raise reader.fail("the closing quotation mark is missing", "缺少右引号")
    try:
        text: str = orjson.loads(found[0])
    except orjson.JSONDecodeError:
        raise reader.fail(
            'this is not a JSON string; write \\" and \\\\ inside it', '不是 JSON 字符串；其中请写 \\" 和 \\\\'
        ) from None
    reader.at = found.end()
    return text


def _moment(reader: Reader, text: str) -> Operand:
    found = moments.moment(text)
    if found is None:
        raise reader.fail("there is no such date or time", "没有这样的日期或时间")
    return Operand(*found)


def _number(reader: Reader, text: str) -> Operand:
    if len(text) <= _DIGITS:
        if text.lstrip("-").isdecimal():
            return Operand("number", int(text))
        number = float(text)
        if abs(number) != float("inf"):
            return Operand("number", number)
    raise reader.fail("this number is out of range", "数字超出范围")


def _matches(reader: Reader, path: Path, *, negated: bool) -> Node:
    start = reader.at
    pattern = _quoted_pattern(reader) if reader.sees('"') else _bare_pattern(reader)
    try:
        return Matches(path, pattern, negated)
    except Invalid as error:
        reader.at = start
        raise reader.fail(error.en, error.zh) from None


def _quoted_pattern(reader: Reader) -> str:
    """Between quotes everything is the pattern's own; only a quotation mark needs a backslash."""
    found = _QUOTED.match(reader.text, reader.at)
    if not found:
        raise reader.fail("the closing quotation mark is missing", "缺少右引号")
    reader.at = found.end()
    return re.sub(r"\\(.)", lambda pair: '"' if pair[1] == '"' else pair[0], found[0][1:-1], flags=re.DOTALL)


def _bare_pattern(reader: Reader) -> str:
    """Without quotes the pattern ends at ";", and at "|" or ")" outside of its own parentheses and brackets."""
    start, depth, text = reader.at, 0, reader.text
    bracket = False
    while reader.at < len(text):
        sign = text[reader.at]
        if sign == "\\":
            reader.at += 1
        elif bracket:
            bracket = sign != "]"
        elif sign == ";" or (sign in "|)" and depth == 0):
            break
        else:
            bracket = sign == "["
            depth += {"(": 1, ")": -1}.get(sign, 0)
        reader.at += 1
    reader.at = min(reader.at, len(text))
    return text[start : reader.at].rstrip()


def write(tree: Node, compact: Callable[[str], str]) -> str:
    """The q text of a tree; compact: the short name of an IRI. What q cannot say is refused.

    >>> write(parse("a==1..2;(b|!c)", "urn:".__add__), lambda name: name[4:])
    'a==1..2;(b|!c)'
    """
    match tree:
        case Or(parts) if parts:
            return "|".join(write(part, compact) for part in parts)
        case And(parts) if parts:
            return ";".join(
                f"({text})" if isinstance(part, Or) else text for part in parts for text in [write(part, compact)]
            )
        case Not(Exists(path)):
            return "!" + _write_path(path, compact)
        case Exists(path):
            return _write_path(path, compact)
        case Compare(path, order, operand) if operand.kind != "boolean" or order in ("==", "!="):
            return f"{_write_path(path, compact)}{order}{_write_operand(operand)}"
        case In(path, operands, negated) if operands:
            return f"{_write_path(path, compact)}{'!=' if negated else '=='}{','.join(map(_write_operand, operands))}"
        case Between(path, low, high, negated) if low.kind == high.kind != "boolean":
            return (
                f"{_write_path(path, compact)}{'!=' if negated else '=='}{_write_operand(low)}..{_write_operand(high)}"
            )
        case Matches(path, pattern, negated):
            quoted = re.sub(r"\\.|\"", lambda part: '\\"' if part[0] == '"' else part[0], pattern, flags=re.DOTALL)
            return f'{_write_path(path, compact)}{"!~=" if negated else "~="}"{quoted}"'
    raise NotSupported(f"q cannot say {type(tree).__name__}", f"q 无法表达 {type(tree).__name__}")


def _write_path(path: Path, compact: Callable[[str], str]) -> str:
    if path.dataset is not None:
        raise NotSupported("q cannot choose a datasetId", "q 无法选择 datasetId")
    members = ENTITY_MEMBERS | ATTRIBUTE_MEMBERS
    parts = [members.get(name) or compact(name) for name in (path.attribute, *path.sub)]
    if any((_NAME if len(parts) == 1 else _SHORT).fullmatch(part) is None for part in parts):
        raise NotSupported(f"q cannot name {'.'.join(parts)}", f"q 无法表示名称 {'.'.join(parts)}")
    names = ".".join(parts)
    steps = ".".join(step if _STEP.fullmatch(step) else orjson.dumps(step).decode() for step in path.trail)
    return f"{names}[{steps}]" if steps else names


def _write_operand(operand: Operand) -> str:
    value = operand.value
    match operand.kind:
        case "text":
            return orjson.dumps(value).decode()
        case "boolean":
            return "true" if value else "false"
        case "instant" | "time":
            return moments.write(operand.kind, int(value))
        case _:
            return repr(value)
