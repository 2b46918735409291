"""Other OpenID providers that sign people in here: Keycloak, WeCom's and the like, by configuration."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from zhicheng.kernel.errors import PeerFailed, Unauthenticated
from zhicheng.kernel.instants import HOUR, SECOND, Clock
from zhicheng.network.guard import Guard, Resolve, system_resolve
from zhicheng.network.transport import GuardedTransport
from zhicheng.server.identity.people import People, Person, shown_name
from zhicheng.server.identity.settings import ExternalSettings

_LARGEST = 200_000
_TIMEOUT_S = 10.0
_SKEW = 60
_PLACES = ("jwks_uri", "authorization_endpoint", "token_endpoint")
ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA")


class External:
    """One other provider."""

    def __init__(
        self, name: str, settings: ExternalSettings, secret: str, back: str, clock: Clock,
        resolve: Resolve = system_resolve,
    ) -> None:  # fmt: skip
        self.name = name
        self.settings = settings
        self._secret = secret
        self._back = back
        self._clock = clock
        transport = GuardedTransport(Guard(urlsplit(settings.issuer).hostname, resolve), None)
        self._http = httpx.AsyncClient(transport=transport, trust_env=False, timeout=_TIMEOUT_S)
        self._known: tuple[int, Mapping[str, Any], KeySet] | None = None

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()

    async def _json(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """An answer of the provider; PeerFailed where it is none."""
        try:
            async with self._http.stream(method, url, headers={"Accept": "application/json"}, **more) as answer:
                body = b""
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > _LARGEST:
                        raise ValueError("too large")
                status = answer.status_code
            found = orjson.loads(body)
            if status != 200 or not isinstance(found, dict):
                raise ValueError(f"status {status}")
        except (httpx.HTTPError, ValueError, OSError) as error:
            label = self.settings.label or self.name
            raise PeerFailed(f"{label} does not answer as it should: {error}", f"{label} 应答异常：{error}") from None
        return found

    async def _metadata(self) -> tuple[Mapping[str, Any], KeySet]:
        """What the provider says of itself, and its keys; asked for anew after an hour."""
        if self._known is None or self._clock() - self._known[0] > HOUR:
            issuer = self.settings.issuer.rstrip("/")
            said = await self._json("GET", f"{issuer}/.well-known/openid-configuration")
            if said.get("issuer") != self.settings.issuer:
                raise PeerFailed(
                    f"{issuer} says that it is {said.get('issuer')!r}", f"{issuer} 自称为 {said.get('issuer')!r}"
                )
            try:
                if issuer.startswith("https:") and not all(str(said[one]).startswith("https://") for one in _PLACES):
                    raise ValueError
                keys = KeySet.import_key_set(await self._json("GET", str(said["jwks_uri"])))  # type: ignore[arg-type]  # checked by the library
            except (JoseError, KeyError, ValueError, TypeError):
                raise PeerFailed(
                    f"{issuer} gives no usable keys, or names a place without TLS",
                    f"{issuer} 未提供可用的密钥，或给出了不加密的地址",
                ) from None
            self._known = (self._clock(), said, keys)
        return self._known[1], self._known[2]

    async def address(self, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to sign in."""
        said, _ = await self._metadata()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": self.settings.client_id, "redirect_uri": self._back,
            "scope": " ".join(self.settings.scopes), "state": state, "nonce": nonce, "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{said['authorization_endpoint']}?{urlencode(asked)}"

    async def claims(self, code: str, nonce: str, verifier: str) -> dict[str, Any]:
        """What the provider says of the person who came back with a code; its signature and all it must say checked."""
        said, keys = await self._metadata()
        asked = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._back, "code_verifier": verifier,
            "client_id": self.settings.client_id,
        }  # fmt: skip
        auth = (self.settings.client_id, self._secret) if self._secret else None
        tokens = await self._json("POST", str(said["token_endpoint"]), data=asked, auth=auth)
        try:
            found = dict(jwt.decode(str(tokens["id_token"]), keys, algorithms=list(ALGORITHMS)).claims)
            self._check(found, nonce)
        except (JoseError, KeyError, ValueError, TypeError):
            label = self.settings.label or self.name
            raise Unauthenticated(f"What {label} says cannot be trusted", f"{label} 的身份凭据无效") from None
        return found

    def _check(self, claims: Mapping[str, Any], nonce: str) -> None:
        """OpenID Connect Core 3.1.3.7."""
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        right = claims["iss"] == self.settings.issuer and self.settings.client_id in audience
        right = right and (len(audience) == 1 or claims.get("azp") == self.settings.client_id)
        right = right and claims["exp"] > self._clock() // SECOND - _SKEW and bool(claims["sub"])
        if not right or not hmac.compare_digest(str(claims.get("nonce", "")), nonce):
            raise ValueError

    def person(self, claims: Mapping[str, Any], people: People, tenant: str) -> Person:
        """The account of those claims, made when it is first seen, and kept as the provider says."""
        settings = self.settings
        identity = f"{settings.issuer} {claims['sub']}"
        groups = [one for one in claims.get(settings.groups_claim) or () if isinstance(one, str)]
        roles = tuple(
            dict.fromkeys([*settings.roles, *(settings.role_of[one] for one in groups if one in settings.role_of)])
        )
        departments = [settings.departments[one] for one in groups if one in settings.departments]
        found = people.of_external(identity)
        if found is None:
            name = _name_of(claims, settings.name_claim)
            if people.named(name) is not None:
                name = f"{name[:50]}@{self.name}"
            shown = str(claims.get(settings.shown_claim) or name)[:60]
            return people.add(name, tenant, roles, shown=shown_name(shown), departments=departments, external=identity)
        if found.disabled:
            raise Unauthenticated("This account is disabled", "该账号已停用")
        if set(found.roles) != set(roles) or list(found.departments) != departments:
            people.allow(found, roles, departments)
        return people.get(found.id)


def _name_of(claims: Mapping[str, Any], claim: str) -> str:
    said = str(claims.get(claim) or claims["sub"])
    plain = "".join(letter if letter.isalnum() or letter in "._@-" else "-" for letter in said)[:60]
    return plain if len(plain) > 1 else f"{plain}--"
