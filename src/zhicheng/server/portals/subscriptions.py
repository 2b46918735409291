"""Subscriptions for people: how each is doing, and what could not be delivered, to be sent again or dropped."""

from __future__ import annotations

from typing import cast

from zhicheng.hub.subscriptions.document import Document
from zhicheng.hub.subscriptions.model import Letter
from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.security.actions import Named
from zhicheng.server.http import JSON, NO_CONTENT, Answer, json_answer
from zhicheng.server.interfaces.ngsild.subscriptions import figures, notifier_of, shown, subscription_id
from zhicheng.server.request import Request
from zhicheng.server.routes import Body, Response, Route


async def subscriptions(request: Request) -> Answer:
    """GET /api/v1/subscriptions: each with its status and figures."""
    return json_answer([_summary(request, identifier) for identifier in sorted(notifier_of(request).kept)])


def _summary(request: Request, identifier: str) -> Document:
    document = shown(request, identifier, request.space.contexts.default, frozenset())
    told = cast("Document", document["notification"])
    notifier = notifier_of(request)
    return {
        "id": identifier,
        "name": document.get("subscriptionName"),
        "status": document["status"],
        "owner": notifier.kept[identifier].owner,
        "uri": cast("Document", told["endpoint"])["uri"],
        **{name: value for name, value in told.items() if name.startswith(("times", "last"))},
        "delivery": told["status"],
        **figures(notifier, identifier, request.city.clock()),
    }


async def dead_letters(request: Request) -> Answer:
    """GET /api/v1/subscriptions/{id}/dead-letters."""
    notifier, identifier = notifier_of(request), subscription_id(request)
    notifier.get(identifier)
    return json_answer([_letter(letter) for letter in notifier.letters.of(identifier)])


def _letter(letter: Letter) -> dict[str, object]:
    return {
        "id": letter.id,
        "position": letter.position,
        "at": instants.format(letter.at),
        "attempts": letter.attempts,
        "entities": letter.entities,
        "error": {"en": letter.error_en, "zh": letter.error_zh},
    }


async def retry_dead_letters(request: Request) -> Answer:
    """POST /api/v1/subscriptions/{id}/dead-letters: {"retry": [ids]}; made anew from the log and sent."""
    identifier = subscription_id(request)
    document = await request.json(JSON)
    letters = document.get("retry") if isinstance(document, dict) else None
    if not isinstance(letters, list) or not all(isinstance(one, str) for one in letters):
        raise Invalid('The body is {"retry": [ids of dead letters]}', '正文应为 {"retry": [死信 id 列表]}')
    notifier = notifier_of(request)
    return json_answer({one: await notifier.retry_letter(identifier, one) for one in letters}, 202)


async def drop_dead_letter(request: Request) -> Answer:
    """DELETE /api/v1/subscriptions/{id}/dead-letters/{letter}."""
    await notifier_of(request).drop_letter(subscription_id(request), request.path["letter"])
    return NO_CONTENT


_PATH = "/api/v1/subscriptions"
_LETTERS = f"{_PATH}/{{id}}/dead-letters"
_ANSWER = Response(200, "The answer", "结果", {})
_AGAIN = Response(
    202, "Each: whether it is being sent, or is no longer in the log", "各自是否正在重发（否则日志中已不存在）", {}
)
_RETRY = Body(
    {
        "type": "object",
        "required": ["retry"],
        "properties": {"retry": {"type": "array", "items": {"type": "string"}}},
    },
    (JSON,),
)
SUBSCRIPTION_ROUTES: tuple[Route, ...] = (
    Route("GET", _PATH, "subscriptions:read", subscriptions, Named("订阅状态", "How subscriptions are doing"), (), None,
          (_ANSWER,)),
    Route("GET", _LETTERS, "subscriptions:read", dead_letters,
          Named("列出死信", "Notifications that could not be delivered"), (), None, (_ANSWER,)),
    Route("DELETE", f"{_LETTERS}/{{letter}}", "subscriptions:write", drop_dead_letter,
          Named("丢弃死信", "Drop one of them"), (), None, (Response(204, "Done", "已完成"),)),
    Route("POST", _LETTERS, "subscriptions:write", retry_dead_letters,
          Named("重发死信", "Send some of them again"), (), _RETRY, (_AGAIN,)),
)  # fmt: skip
