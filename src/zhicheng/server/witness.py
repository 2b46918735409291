"""The log of acts at work: what a request does is on disk before it is answered, and without that it is refused."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import replace
from urllib.parse import unquote_plus

from zhicheng.hub.veiled_store import VeiledStore
from zhicheng.kernel.errors import ZhichengError
from zhicheng.kernel.instants import SECOND
from zhicheng.security.decision import Principal
from zhicheng.security.entries import Act, Entry, Outcome
from zhicheng.server.acts import Rule, rule_of
from zhicheng.server.admission import credential
from zhicheng.server.city import City
from zhicheng.server.http import Answer, Scope
from zhicheng.server.policing import circumstances
from zhicheng.server.request import Request
from zhicheng.server.routes import Found, Route

REFUSED = frozenset(("unauthenticated", "forbidden", "no-such-tenant"))
"""Codes of the errors that are refusals."""
_SAFE = frozenset(("GET", "HEAD"))
_LIVING = "/ngsi-ld/v1/entities/{id}"
_ONE = frozenset((_LIVING, f"{_LIVING}/attrs", f"{_LIVING}/attrs/{{attribute}}", "/api/v1/entities/{id}"))
"""Paths under which one living entity is read or written and nothing beside it, but for what `join` asks for."""
_WINDOW = SECOND
_MOST_STRANGERS = 4096
_Key = tuple[str, str, str]


class Witness:
    """Makes entries of requests."""

    def __init__(self, city: City, routes: Iterable[Route]) -> None:
        self.city = city
        self.journal = city.journal
        self._rules = {id(route): rule_of(route) for route in routes}
        self._begin = secrets.token_hex(6)
        self._count = itertools.count(1)
        self._strangers: dict[_Key, tuple[int, int]] = {}

    # of requests that were let in ----------------------------------------------------------------------------

    async def before(self, found: Found, request: Request) -> Future[int] | None:
        """What has to be on disk before anything is done, or is written meanwhile: then the answer waits for it."""
        rule = self._rules[id(found.route)]
        if rule is None:
            return None
        if rule.when == "first" and not (found.route.action == "account:own" and request.scope["method"] in _SAFE):
            await asyncio.wrap_future(self._submit(rule.kind, found, request, Outcome.ALLOWED))
        elif rule.when == "protected" and found.route.action.endswith((":write", ":push")):
            if self.protected(found, request):
                return self._submit(rule.kind, found, request, Outcome.ALLOWED)
        elif self.journal.ledger.failure is not None and rule.when == "done":
            raise self.journal.ledger.failure
        return None

    async def after(self, found: Found, request: Request, answer: Answer, begun: Future[int] | None) -> Answer:
        """The answer, once what was done is on disk."""
        rule = self._rules[id(found.route)]
        if begun is not None:
            await asyncio.wrap_future(begun)
            return self._named(request, answer)
        kind = self._kind(rule, found, request, answer)
        if kind is None:
            return answer if request.id is None else self._named(request, answer)
        await asyncio.wrap_future(self._submit(kind, found, request, _outcome(answer), answer.status))
        return self._named(request, answer)

    def _kind(self, rule: Rule | None, found: Found, request: Request, answer: Answer) -> Act | None:
        """What kind of act an answer is; None for none, or one that was written before."""
        if answer.status < 400 and any(name == b"content-disposition" for name, _ in answer.headers):
            return None if rule is not None and rule.when == "first" else Act.EXPORT
        if rule is None:
            return None
        match rule.when:
            case "done":
                return rule.kind
            case "told":
                return rule.kind if request.told else None
            case "protected":
                return rule.kind if self.protected(found, request) else None
            case _:
                return None

    def protected(self, found: Found, request: Request) -> bool:
        """Whether an answer may hold what is classified and not public; of people who see a part only, each does."""
        principal, space = request.principal, request.space
        if principal is not None and principal.kind == "Person" and isinstance(space.store, VeiledStore):
            return True
        alone = found.route.path in _ONE and b"join" not in request.scope["query_string"]
        return space.classified.may_be_in(space.store, found.path["id"] if alone else None)

    # of requests that failed ---------------------------------------------------------------------------------

    async def failed(self, found: Found | None, scope: Scope, request: Request | None, error: ZhichengError) -> str:
        """Note a refusal, or that an act which is noted failed; gives the request's id, "" where nothing is noted.

        Where that cannot be written the error is the answer all the same: it gives nothing away.
        """
        rule = None if found is None else self._rules[id(found.route)]
        refused = error.code in REFUSED
        if rule is not None and rule.kind == Act.SIGN_IN and rule.when == "done" and request is not None:
            kind, outcome = Act.SIGN_IN, Outcome.DENIED if error.status < 500 else Outcome.FAILED
        elif refused:
            kind, outcome = Act.REFUSAL, Outcome.DENIED
        elif request is not None and request.id is not None:
            kind, outcome = Act.ADMINISTRATION if rule is None else rule.kind, Outcome.FAILED
        else:
            return ""
        made = request or _Refused(self.city, scope, found)
        times = self._times(made, found, error) if kind == Act.REFUSAL else 1
        if not times:
            return ""
        if times > 1:
            made.tell(times=str(times))
        with contextlib.suppress(ZhichengError):
            await asyncio.wrap_future(self._submit(kind, found, made, outcome, error.status, error.code))
        return made.id or ""

    def _times(self, request: Request | _Refused, found: Found | None, error: ZhichengError) -> int:
        """How many refusals an entry stands for: those of a stranger within a second are one, lest they fill the disk.

        0: not yet to be written; the next one tells of it.
        """
        if request.principal is not None and request.principal.kind != "Guest":
            return 1
        now = self.journal.now()
        key = (request.network, "" if found is None else found.route.path, error.code)
        since, waiting = self._strangers.get(key, (-_WINDOW, 0))
        if 0 <= now - since < _WINDOW:
            self._strangers[key] = since, waiting + 1
            return 0
        self._strangers.pop(key, None)
        self._strangers[key] = now, 0
        while len(self._strangers) > _MOST_STRANGERS:
            self._strangers.pop(next(iter(self._strangers)))
        return waiting + 1

    # entries -------------------------------------------------------------------------------------------------

    def _submit(
        self,
        kind: Act,
        found: Found | None,
        request: Request | _Refused,
        outcome: Outcome,
        status: int = 0,
        why: str | None = None,
    ) -> Future[int]:
        if request.id is None:
            request.id = f"{self._begin}-{next(self._count):x}"
        told = dict(request.told)
        principal = told.pop("principal", request.name)
        resource = told.pop("resource", None) or _resource(found, request)
        home = self.city.settings.city.tenant
        tenant = told.pop("tenant", home if request.principal is None else request.principal.tenant)
        outcome = Outcome(told.pop("outcome", outcome))
        why = told.pop("why", why)
        facts = {**_facts(found, request, status), **told}
        around = circumstances(request.scope)
        action = "none" if found is None else _action(found.route)
        return self.journal.submit(
            Entry(
                self.journal.now(),
                kind,
                action,
                outcome,
                principal,
                tenant,
                resource,
                around.purpose or None,
                around.network or None,
                request.id,
                why,
                facts,
            )
        )

    def _named(self, request: Request, answer: Answer) -> Answer:
        """The answer with the id by which the log knows its request."""
        name = (b"x-request-id", (request.id or "").encode())
        return replace(answer, headers=(*answer.headers, name))


class _Refused:
    """Who was refused, as far as that is known."""

    def __init__(self, city: City, scope: Scope, found: Found | None) -> None:
        self.scope = scope
        self.path = {} if found is None else found.path
        self.id: str | None = None
        self.told: dict[str, str] = {}
        self.principal: Principal | None = None
        with contextlib.suppress(ZhichengError):
            self.principal = credential(city, scope)[0]
        self.name = "anonymous" if self.principal is None else self.principal.name
        self.network = circumstances(scope).network

    def tell(self, **facts: str) -> None:
        """See `Request.tell`."""
        self.told |= facts

    def asked(self) -> str | None:
        """No body was read."""
        return None


def _action(route: Route) -> str:
    """Of what is open to all, the route itself is what was done."""
    return f"{route.method} {route.path}" if route.action == "public" else route.action


def _resource(found: Found | None, request: Request | _Refused) -> str:
    identifier = None if found is None else found.path.get("id")
    path: str = request.scope["path"]
    return identifier if identifier is not None and identifier.startswith("urn:") else path


def _facts(found: Found | None, request: Request | _Refused, status: int) -> dict[str, str]:
    """What else an auditor wants to know: the route, what was asked for, what came of it."""
    method = request.scope.get("method", "GET")
    facts = {"route": f"{method} {'-' if found is None else found.route.path}"}
    if status:
        facts["status"] = str(status)
    query: bytes = request.scope["query_string"]
    if query and found is not None and found.route.action != "public":
        facts["query"] = unquote_plus(query.decode("latin-1"))
    asked = request.asked() if found is not None and found.route.action in ("entities:read", "sql:run") else None
    if asked:
        facts["asked"] = asked
    return facts


def _outcome(answer: Answer) -> Outcome:
    if answer.status < 400:
        return Outcome.ALLOWED
    return Outcome.DENIED if answer.status < 500 else Outcome.FAILED
