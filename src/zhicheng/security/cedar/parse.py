"""Cedar's text: policies with annotations, scopes, conditions. An error says where, in both languages.

Grammar: https://docs.cedarpolicy.com/policies/syntax-grammar.html. Not here: templates (`?principal`).
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from zhicheng.kernel.errors import Invalid
from zhicheng.security.cedar.syntax import (
    FUNCTIONS,
    METHODS,
    VARIABLES,
    And,
    Attr,
    Binary,
    Call,
    Expr,
    Has,
    If,
    Is,
    Like,
    Lit,
    Or,
    Policy,
    RecordOf,
    Scope,
    SetOf,
    Unary,
    Var,
)
from zhicheng.security.cedar.values import MOST, Uid

_TOKEN = re.compile(
    r"(?P<space>(?:\s+|//[^\n]*)+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>[0-9]+)"
    r'|(?P<string>"(?:[^"\\]|\\.)*")|(?P<sign>::|&&|\|\||==|!=|<=|>=|[-+*!<>.,;:(){}\[\]@?%/=])',
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x([0-7][0-9A-Fa-f])|u\{([0-9A-Fa-f]{1,6})\}|(.))", re.DOTALL)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\", '"': '"', "'": "'"}
_KEYWORDS = frozenset(("true", "false", "if", "then", "else", "in", "like", "has", "is", "__cedar"))
_RELATIONS = ("==", "!=", "<=", ">=", "<", ">", "in")
DEEPEST = 60
"""How deep expressions may be nested."""
LONGEST = 1_000_000
"""Characters of a text."""


class Token(NamedTuple):
    """A piece of the text; kind: name, number, string, sign, end."""

    kind: str
    text: str
    at: int


def parse(text: str) -> list[Policy]:
    """The policies of a text; without an `@id` they are called policy0, policy1, ... as in Cedar.

    >>> [policy] = parse('permit(principal == Person::"li", action, resource) when { context.n < 3 };')
    >>> policy.id, policy.permits, str(policy.principal.equal)
    ('policy0', True, 'Person::"li"')
    """
    if len(text) > LONGEST:
        raise Invalid(
            f"The policies have {len(text)} characters; {LONGEST} are allowed", f"策略文本过长：最多 {LONGEST} 个字符"
        )
    return _Parser(text).policies()


def parse_expression(text: str) -> Expr:
    """An expression alone."""
    parser = _Parser(text)
    found = parser.expression()
    parser.expect_end()
    return found


def parse_uid(text: str) -> Uid:
    """An entity, as in `Person::"li"`.

    >>> parse_uid('City::Person::"li"')
    Uid(type='City::Person', id='li')
    """
    parser = _Parser(text)
    found = parser.uid()
    parser.expect_end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                self.fail("this is no part of Cedar", "不是有效的 Cedar 文本", at)
            if found.lastgroup != "space":
                self.tokens.append(Token(str(found.lastgroup), found[0], at))
            at = found.end()
        self.tokens.append(Token("end", "", len(text)))
        self.next = 0
        self.depth = 0

    # reading -----------------------------------------------------------------------------------------------

    def fail(self, en: str, zh: str, at: int | None = None) -> NoReturn:
        """An error with line, column and what stands there."""
        where = self.tokens[self.next].at if at is None else at
        line = self.text.count("\n", 0, where) + 1
        column = where - self.text.rfind("\n", 0, where)
        shown = self.text[where : where + 20].split("\n")[0]
        raise Invalid(
            f"line {line}, column {column}, at {shown!r}: {en}", f"第 {line} 行第 {column} 列，{shown!r} 处：{zh}",
            line=line, column=column,
        )  # fmt: skip

    @property
    def token(self) -> Token:
        """What comes next."""
        return self.tokens[self.next]

    def sees(self, *texts: str) -> bool:
        """Whether one of these comes next."""
        token = self.tokens[self.next]
        return token.kind != "string" and token.text in texts

    def take(self, *texts: str) -> bool:
        """Go over one of these, if it comes."""
        if self.sees(*texts):
            self.next += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Go over this."""
        if not self.take(text):
            self.fail(f"expected {text!r}", f"此处应为 {text!r}")

    def expect_end(self) -> None:
        """Nothing may follow."""
        if self.token.kind != "end":
            self.fail("nothing was expected here", "此处不应有内容")

    def name(self) -> str:
        """A name that is no keyword."""
        token = self.token
        if token.kind != "name":
            self.fail("expected a name", "此处应为名称")
        if token.text in _KEYWORDS:
            self.fail(f"{token.text!r} is a reserved word", f"{token.text!r} 是保留字")
        self.next += 1
        return token.text

    def string(self) -> str:
        """A string's text."""
        token = self.token
        if token.kind != "string":
            self.fail("expected a string", "此处应为字符串")
        self.next += 1
        return "".join(self.unescaped(token, pattern=False))  # type: ignore[arg-type]  # no None without a pattern

    def unescaped(self, token: Token, *, pattern: bool) -> list[str | None]:
        """The characters of a string; of a pattern, None for each `*` that is not escaped."""
        body, found, at = token.text[1:-1], [], 0
        while at < len(body):
            if body[at] != "\\":
                found.append(None if pattern and body[at] == "*" else body[at])
                at += 1
                continue
            hit = _ESCAPE.match(body, at)
            character = None
            if hit is not None and hit[3] is not None:
                character = "*" if pattern and hit[3] == "*" else _PLAIN.get(hit[3])
            elif hit is not None:
                code = int(hit[1] or hit[2], 16)
                character = chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else None
            if hit is None or character is None:
                self.fail("this escape is not known", "未知的转义", token.at + 1 + at)
            found.append(character)
            at = hit.end()
        return found

    # policies ----------------------------------------------------------------------------------------------

    def policies(self) -> list[Policy]:
        """All of them; each id once."""
        found: list[Policy] = []
        seen: set[str] = set()
        while self.token.kind != "end":
            at = self.token.at
            policy = self.policy(len(found))
            if policy.id in seen:
                self.fail(f"two policies are called {policy.id!r}", f"有两条策略都叫 {policy.id!r}", at)
            seen.add(policy.id)
            found.append(policy)
        return found

    def policy(self, number: int) -> Policy:
        """One policy."""
        line = self.text.count("\n", 0, self.token.at) + 1
        annotations = self.annotations()
        if not self.sees("permit", "forbid"):
            self.fail("expected permit or forbid", "此处应为 permit 或 forbid")
        permits = self.token.text == "permit"
        self.next += 1
        self.expect("(")
        principal = self.scope("principal")
        self.expect(",")
        action = self.action_scope()
        self.expect(",")
        resource = self.scope("resource")
        self.take(",")
        self.expect(")")
        conditions = []
        while self.sees("when", "unless"):
            when = self.token.text == "when"
            self.next += 1
            self.expect("{")
            conditions.append((when, self.expression()))
            self.expect("}")
        self.expect(";")
        name = annotations.get("id") or f"policy{number}"
        return Policy(name, permits, principal, action, resource, tuple(conditions), annotations, line)

    def annotations(self) -> dict[str, str]:
        """`@name("text")`."""
        found: dict[str, str] = {}
        while self.take("@"):
            at = self.token.at
            if self.token.kind != "name":
                self.fail("expected a name", "此处应为名称")
            name = self.token.text
            self.next += 1
            if name in found:
                self.fail(f"@{name} stands twice", f"@{name} 重复", at)
            found[name] = ""
            if self.take("("):
                found[name] = self.string()
                self.expect(")")
        return found

    def scope(self, variable: str) -> Scope:
        """What the head says of principal or resource."""
        self.expect(variable)
        if self.take("=="):
            return Scope(equal=self.uid())
        if self.take("in"):
            return Scope(within=(self.uid(),))
        if self.take("is"):
            kind = self.path()
            return Scope(kind, (self.uid(),)) if self.take("in") else Scope(kind)
        return Scope()

    def action_scope(self) -> Scope:
        """What the head says of the action."""
        self.expect("action")
        if self.take("=="):
            return Scope(equal=self.uid())
        if not self.take("in"):
            return Scope()
        if not self.take("["):
            return Scope(within=(self.uid(),))
        found = []
        while not self.take("]"):
            found.append(self.uid())
            if not self.sees("]"):
                self.expect(",")
        return Scope(within=tuple(found))

    def path(self) -> str:
        """A type: names joined by `::`."""
        found = self.name()
        while self.sees("::") and self.tokens[self.next + 1].kind == "name":
            self.next += 1
            found += "::" + self.name()
        return found

    def uid(self) -> Uid:
        """An entity."""
        if self.sees("?"):
            self.fail("templates are not supported here", "此处不支持模板")
        kind = self.path()
        self.expect("::")
        return Uid(kind, self.string())

    # expressions -------------------------------------------------------------------------------------------

    def expression(self) -> Expr:
        """`if ... then ... else ...`, or what follows."""
        self.depth += 1
        if self.depth > DEEPEST:
            self.fail(f"this is nested deeper than {DEEPEST} times", f"嵌套超过 {DEEPEST} 层")
        if self.take("if"):
            test = self.expression()
            self.expect("then")
            yes = self.expression()
            self.expect("else")
            found: Expr = If(test, yes, self.expression())
        else:
            found = self.disjunction()
        self.depth -= 1
        return found

    def disjunction(self) -> Expr:
        """`a || b`."""
        found = self.conjunction()
        while self.take("||"):
            found = Or(found, self.conjunction())
        return found

    def conjunction(self) -> Expr:
        """`a && b`."""
        found = self.relation()
        while self.take("&&"):
            found = And(found, self.relation())
        return found

    def relation(self) -> Expr:
        """`a == b`, `a has b`, `a like "b"`, `a is B`; one only."""
        left = self.sum()
        if self.sees(*_RELATIONS):
            operator = self.token.text
            self.next += 1
            found: Expr = Binary(operator, left, self.sum())  # type: ignore[arg-type]  # one of _RELATIONS
        elif self.take("has"):
            found = self.has(left)
        elif self.take("like"):
            token = self.token
            if token.kind != "string":
                self.fail("expected a pattern in quotes", "此处应为引号中的模式")
            self.next += 1
            found = Like(left, tuple(self.unescaped(token, pattern=True)))
        elif self.take("is"):
            found = Is(left, self.path())
            if self.take("in"):
                found = And(found, Binary("in", left, self.sum()))
        else:
            return left
        if self.sees(*_RELATIONS, "has", "like", "is"):
            self.fail("put parentheses around one of the two comparisons", "请给其中一个比较加上括号")
        return found

    def has(self, left: Expr) -> Expr:
        """`a has b`, `a has "b"`, `a has b.c`."""
        if self.token.kind == "string":
            return Has(left, self.string())
        name = self.name()
        found: Expr = Has(left, name)
        while self.take("."):
            left = Attr(left, name)
            name = self.name()
            found = And(found, Has(left, name))
        return found

    def sum(self) -> Expr:
        """`a + b - c`."""
        found = self.product()
        while self.sees("+", "-"):
            operator = self.token.text
            self.next += 1
            found = Binary(operator, found, self.product())  # type: ignore[arg-type]  # + or -
        return found

    def product(self) -> Expr:
        """`a * b`."""
        found = self.unary()
        while self.take("*"):
            found = Binary("*", found, self.unary())
        if self.sees("/", "%"):
            self.fail("Cedar has neither division nor remainder", "Cedar 不支持除法与取余")
        return found

    def unary(self) -> Expr:
        """`!a`, `-a`, at most four times."""
        sign = self.token.text if self.sees("!", "-") else ""
        count = 0
        while sign and self.take(sign):
            count += 1
            if count > 4:
                self.fail(f"too many {sign!r}", f"{sign!r} 过多")
        if sign == "-" and self.token.kind == "number":
            number = int(self.token.text)
            if number > MOST + 1:
                self.fail("this number is too large", "数值过大")
            after = self.tokens[self.next + 1]
            if after.text not in (".", "[", "("):
                self.next += 1
                found: Expr = Lit(-number)
                count -= 1
            else:
                found = self.member()
        else:
            found = self.member()
        for _ in range(count):
            found = Unary(sign, found)  # type: ignore[arg-type]  # ! or -
        return found

    def member(self) -> Expr:
        """What stands first, then `.name`, `.method(...)`, `["name"]`."""
        found = self.primary()
        while True:
            if self.take("."):
                at = self.token.at
                name = self.name()
                found = self.method(found, name, at) if self.take("(") else Attr(found, name)
            elif self.take("["):
                found = Attr(found, self.string())
                self.expect("]")
            else:
                return found

    def method(self, of: Expr, name: str, at: int) -> Expr:
        """A method with its arguments."""
        arguments = self.list_until(")")
        if name not in METHODS:
            self.fail(f"there is no method {name!r}", f"没有方法 {name!r}", at)
        if len(arguments) != METHODS[name]:
            self.fail(f"{name} takes {METHODS[name]} arguments", f"{name} 需要 {METHODS[name]} 个参数", at)
        return Call(name, (of, *arguments))

    def list_until(self, end: str) -> list[Expr]:
        """Expressions with commas between them; one may follow the last."""
        found = []
        while not self.take(end):
            found.append(self.expression())
            if not self.sees(end):
                self.expect(",")
        return found

    def primary(self) -> Expr:
        """A literal, a variable, an entity, a call, a set, a record, something in parentheses."""
        token = self.token
        if token.kind == "string":
            return Lit(self.string())
        if token.kind == "number":
            self.next += 1
            if int(token.text) > MOST:
                self.fail("this number is too large", "数值过大", token.at)
            return Lit(int(token.text))
        if self.take("true"):
            return Lit(True)
        if self.take("false"):
            return Lit(False)
        if self.take("("):
            found = self.expression()
            self.expect(")")
            return found
        if self.take("["):
            return SetOf(tuple(self.list_until("]")))
        if self.take("{"):
            return self.record()
        if self.sees("?"):
            self.fail("templates are not supported here", "此处不支持模板")
        return self.named()

    def record(self) -> Expr:
        """`{a: 1, "b": 2}`."""
        found: dict[str, Expr] = {}
        while not self.take("}"):
            at = self.token.at
            name = self.string() if self.token.kind == "string" else self.name()
            if name in found:
                self.fail(f"{name!r} stands twice", f"{name!r} 重复", at)
            self.expect(":")
            found[name] = self.expression()
            if not self.sees("}"):
                self.expect(",")
        return RecordOf(tuple(found.items()))

    def named(self) -> Expr:
        """A variable, an entity or a function."""
        at = self.token.at
        name = self.path()
        if self.take("::"):
            return Lit(Uid(name, self.string()))
        if self.take("("):
            arguments = self.list_until(")")
            if name not in FUNCTIONS:
                self.fail(f"there is no function {name!r}", f"没有函数 {name!r}", at)
            if len(arguments) != FUNCTIONS[name]:
                self.fail(f"{name} takes {FUNCTIONS[name]} arguments", f"{name} 需要 {FUNCTIONS[name]} 个参数", at)
            return Call(name, tuple(arguments))
        for variable in VARIABLES:
            if name == variable:
                return Var(variable)
        self.fail(
            f"there is no variable {name!r}: principal, action, resource and context are",
            f"没有变量 {name!r}；可用 principal、action、resource、context", at,
        )  # fmt: skip
