"""One request on its way to its handler: as little between the socket and the handler as can be."""

from __future__ import annotations

from collections.abc import Mapping

from zhicheng.kernel.errors import UnsupportedMedia
from zhicheng.security.decision import Principal
from zhicheng.server.city import City
from zhicheng.server.http import Receive, Scope, header_of, parse_json, parse_query, read_body
from zhicheng.server.identity.sessions import Session
from zhicheng.server.policing import Circumstances, circumstances
from zhicheng.server.quotas import Tally
from zhicheng.server.space import Space


class Request:
    """One HTTP request on its way; made by the application, once, and handed to the route's handler.

    session: of a person who is signed in; programs and guests have none; tally: whose quotas it counts for
    path: values of the path's parameters; known: names of parameters the route takes; limit: bytes of the largest body
    """

    __slots__ = (
        "_body", "city", "id", "known", "limit", "path", "principal", "receive", "scope", "session", "space", "tally",
        "told",
    )  # fmt: skip

    def __init__(
        self,
        city: City,
        space: Space,
        principal: Principal | None,
        scope: Scope,
        receive: Receive,
        path: Mapping[str, str],
        known: frozenset[str],
        limit: int,
        session: Session | None = None,
    ) -> None:
        self.city = city
        self.space = space
        self.principal = principal
        self.scope = scope
        self.receive = receive
        self.path = path
        self.known = known
        self.limit = limit
        self.session = session
        self.tally = Tally.NONE
        self._body: bytes | None = None
        self.id: str | None = None
        """Given to it when it is noted in the log of acts."""
        self.told: dict[str, str] = {}

    def tell(self, **facts: str) -> None:
        """Tell the log of acts what the request line does not: `principal` and `tenant` of who signs in, `resource`,
        `outcome` or `why`, and other facts. Never a secret.
        """
        self.told |= facts

    def asked(self) -> str | None:
        """What was asked in the body, for the log of acts."""
        return None if not self._body else self._body[:4096].decode("utf-8", "replace")

    def header(self, name: bytes) -> str | None:
        """A header's text, in lower case the name; several of one name are one, separated by commas."""
        return header_of(self.scope, name)

    def query(self) -> dict[str, str]:
        """The parameters of the query string. Invalid: one that comes twice, too many, or text that is not UTF-8."""
        raw: bytes = self.scope["query_string"]
        return parse_query(raw) if raw else {}

    @property
    def unread(self) -> bool:
        """Whether the body is still on the wire."""
        return self._body is None

    @property
    def name(self) -> str:
        """Who acts, for the log."""
        return "anonymous" if self.principal is None else self.principal.name

    @property
    def network(self) -> str:
        """The address of the network that it came from."""
        client = self.scope.get("client")
        return str(client[0]) if client else ""

    def may(self, action: str) -> bool:
        """Whether the principal may take another action too."""
        policing, acts = self.city.policing(self.space.tenant), self.principal
        if acts is None or (acts.within is not None and action not in acts.within):
            return False
        return policing.may(acts, action, self.circumstances)

    def actions(self) -> list[str]:
        """Everything that the principal may do."""
        policing = self.city.policing(self.space.tenant)
        return [] if self.principal is None else policing.actions(self.principal, self.circumstances)

    @property
    def circumstances(self) -> Circumstances:
        """What policies may ask of it."""
        return circumstances(self.scope)

    async def body(self) -> bytes:
        """The whole body. TooLarge as soon as that is known, before it is read."""
        if self._body is None:
            self._body = await read_body(self.scope, self.receive, self.limit)
        return self._body

    def media(self) -> str:
        """The body's media type without parameters."""
        text = self.header(b"content-type")
        return "" if text is None else text.partition(";")[0].strip().lower()

    async def json(self, *allowed: str) -> object:
        """The body as JSON, of one of the media types allowed."""
        self.check_media(allowed)
        return parse_json(await self.body())

    def check_media(self, allowed: tuple[str, ...]) -> str:
        """The body's media type; UnsupportedMedia for one that is not read here."""
        media = self.media()
        if media not in allowed:
            raise UnsupportedMedia(
                f"The body's Content-Type is {media or 'missing'!r}; send one of {', '.join(allowed)}",
                f"正文的 Content-Type 为 {media or '空'}；请使用 {'、'.join(allowed)} 之一",
                media=media,
            )
        return media
