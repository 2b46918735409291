"""The developer desk (企业): one's keys, quotas and use, the interfaces with examples, and the sandbox."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import msgspec

from zhicheng.kernel import instants, zones
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import DAY
from zhicheng.security.actions import ROLE_NAMES, ROLES, Named
from zhicheng.security.quotas import Allowance, Spent
from zhicheng.server.http import JSON, NO_CONTENT, Answer, json_answer
from zhicheng.server.identity.access_keys import GUEST, AccessKey, Place, Wish, offered
from zhicheng.server.portals.interfaces import interfaces_of
from zhicheng.server.portals.named import Json
from zhicheng.server.portals.ways_in import base_of
from zhicheng.server.quotas import allowance_of, key_account, person_account
from zhicheng.server.request import Request
from zhicheng.server.routes import Body, Response, Route

_NO_STORE = ((b"cache-control", b"no-store"),)
_MOST_DAYS = 366
_Form = TypeVar("_Form", bound=msgspec.Struct)


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person wants of a new key."""

    name: str
    role: str
    place: Place = "city"
    days: int = 90
    per_minute: int = 0
    per_day: int = 0


class Round(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which day the sandbox is to replay, and how fast."""

    day: str = ""
    speed: float = 1.0


def _owner(request: Request) -> tuple[str, str, tuple[str, ...]]:
    """Id, name and roles of the person who asks. Forbidden for programs: a key makes no keys."""
    city = request.city
    if city.guest is not None and request.principal is city.guest:
        return GUEST, city.guest.name, city.guest.roles
    person = city.identity.person_of(request.session)
    return person.id, person.name, person.roles


async def desk(request: Request) -> Answer:
    """GET /api/v1/developer."""
    owner, name, roles = _owner(request)
    quotas, keys = request.city.quotas, request.city.identity.access_keys.of(owner)
    account = person_account(name)
    document = {
        "base": base_of(request),
        "open": request.city.open,
        "today": quotas.today(account)[0],
        "roles": [_role(one) for one in offered(roles)],
        "keys": [_key(request, one) for one in keys],
        "quota": _allowance(quotas.settings.person),
        "key_quota": _allowance(quotas.settings.key),
        "spent": _spent(quotas.today(account)[1]),
        "days": [{"day": day, **_spent(one)} for day, one in quotas.spent(account)],
        "sandbox": request.city.sandbox.document(),
    }
    return json_answer(document, headers=_NO_STORE)


def _role(name: str) -> Json:
    named = ROLE_NAMES[name]
    return {"name": name, "label_zh": named.zh, "label_en": named.en, "writes": "entities:write" in ROLES[name]}


def _key(request: Request, key: AccessKey) -> Json:
    quotas, now = request.city.quotas, request.city.clock()
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "place": key.place,
        "created_at": instants.format(key.created_at),
        "expires_at": instants.format(key.expires_at),
        "expired": key.expires_at <= now,
        "used_at": None if key.used_at is None else instants.format(key.used_at),
        "quota": _allowance(allowance_of(quotas.settings.key, key)),
        "spent": _spent(quotas.today(key_account(key.id))[1]),
    }


def _allowance(found: Allowance) -> Json:
    made: Json = {name.name: getattr(found, name.name) or None for name in dataclasses.fields(found)}
    return {**made, "sql": found.sql / 1e6 or None}


def _spent(found: Spent) -> Json:
    return {"requests": found.requests, "rows": found.rows, "out": found.out, "sql": found.sql / 1e6,
            "refused": found.refused}  # fmt: skip


async def make_key(request: Request) -> Answer:
    """POST /api/v1/developer/keys: gives the key's text, this once."""
    owner, _, roles = _owner(request)
    said = _read(await request.json(JSON), NewKey)
    if not 1 <= said.days <= _MOST_DAYS:
        raise Invalid("A key is valid for 1 to 366 days", "密钥有效期为 1 到 366 天", parameter="days")
    wish = Wish(said.name, said.role, said.place, said.days * DAY, said.per_minute, said.per_day)
    text, made = request.city.identity.access_keys.make(owner, roles, wish)
    return json_answer({**_key(request, made), "key": text}, 201, headers=_NO_STORE)


async def revoke_key(request: Request) -> Answer:
    """DELETE /api/v1/developer/keys/{id}."""
    request.city.identity.access_keys.revoke(_owner(request)[0], request.path["id"])
    return NO_CONTENT


async def interfaces(request: Request) -> Answer:
    """GET /api/v1/developer/interfaces."""
    return json_answer({"base": base_of(request), "interfaces": interfaces_of(request)}, headers=_NO_STORE)


async def sandbox(request: Request) -> Answer:
    """GET /api/v1/sandbox."""
    return json_answer(request.city.sandbox.document(), headers=_NO_STORE)


async def begin_sandbox(request: Request) -> Answer:
    """PUT /api/v1/sandbox: empty it and begin a day anew."""
    said = _read(await request.json(JSON), Round)
    day = zones.parse_date(said.day) if said.day else None
    await request.city.sandbox.begin(day, said.speed)
    return json_answer(request.city.sandbox.document(), headers=_NO_STORE)


async def stop_sandbox(request: Request) -> Answer:
    """DELETE /api/v1/sandbox: let it rest, as it is."""
    await request.city.sandbox.stop()
    return NO_CONTENT


def _read(said: object, form: type[_Form]) -> _Form:
    try:
        return msgspec.convert(said, form)
    except msgspec.ValidationError as error:
        raise Invalid(f"The body cannot be read: {error}", f"无法读取请求正文：{error}") from None


_BODY = Body({"type": "object"}, (JSON,))
_ANSWER = Response(200, "The answer", "结果", {})
_MADE = Response(201, "The key, shown this once", "密钥，仅显示一次", {})
_DONE = Response(204, "Done", "完成")
_D, _S = "/api/v1/developer", "/api/v1/sandbox"
DEVELOPER_ROUTES: tuple[Route, ...] = (
    Route("GET", _D, "account:own", desk, Named("开发者工作台", "The developer desk"), (), None, (_ANSWER,)),
    Route("POST", f"{_D}/keys", "account:own", make_key, Named("创建访问密钥", "Make an access key"), (), _BODY,
          (_MADE,), 4000),
    Route("DELETE", f"{_D}/keys/{{id}}", "account:own", revoke_key, Named("吊销访问密钥", "Revoke an access key"), (),
          None, (_DONE,)),
    Route("GET", f"{_D}/interfaces", "sandbox:use", interfaces, Named("接口与示例", "Interfaces with examples"), (),
          None, (_ANSWER,)),
    Route("GET", _S, "sandbox:use", sandbox, Named("沙箱状态", "How the sandbox is doing"), (), None, (_ANSWER,)),
    Route("PUT", _S, "sandbox:use", begin_sandbox, Named("重置沙箱并回放", "Empty the sandbox and replay a day"), (),
          _BODY, (_ANSWER,), 4000),
    Route("DELETE", _S, "sandbox:use", stop_sandbox, Named("停止沙箱回放", "Let the sandbox rest"), (), None, (_DONE,)),
)  # fmt: skip
