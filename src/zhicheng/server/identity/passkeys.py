"""Passkeys (WebAuthn): challenges that work once, and what the browser made of them."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Any
from urllib.parse import urlsplit

import orjson
import webauthn
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from zhicheng.kernel.errors import Invalid, Unauthenticated
from zhicheng.kernel.instants import MINUTE, Clock
from zhicheng.server.identity.people import People, Person

_LASTS = 5 * MINUTE
_MOST = 10_000


class Passkeys:
    """Registers passkeys of people and signs them in with one; bound to the address of the provider."""

    def __init__(self, people: People, issuer: str, clock: Clock) -> None:
        self._people = people
        self._origin = issuer
        self._site = urlsplit(issuer).hostname or "localhost"
        self._clock = clock
        self._challenges: OrderedDict[bytes, tuple[int, str]] = OrderedDict()

    def _challenge(self, person: str) -> bytes:
        made = secrets.token_bytes(32)
        self._challenges[made] = (self._clock() + _LASTS, person)
        while len(self._challenges) > _MOST:
            self._challenges.popitem(last=False)
        return made

    def _take(self, credential: dict[str, Any], person: str) -> bytes:
        """The challenge that a browser answers, if we gave it, to this person, not long ago; it works once."""
        try:
            said = orjson.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
            challenge = base64url_to_bytes(said["challenge"])
        except (KeyError, TypeError, ValueError):
            raise Invalid("This is no answer of a browser", "这不是浏览器的应答") from None
        found = self._challenges.pop(challenge, None)
        if found is None or found[0] < self._clock() or found[1] != person:
            raise Unauthenticated("The challenge is too old; try again", "验证请求已过期；请重试")
        return challenge

    def to_register(self, person: Person) -> bytes:
        """What the browser needs to make a passkey, as JSON."""
        known = [PublicKeyCredentialDescriptor(id=one.id) for one in self._people.passkeys(person)]
        options = webauthn.generate_registration_options(
            rp_id=self._site,
            rp_name="智城 zhicheng",
            user_name=person.name,
            user_id=person.id.encode(),
            user_display_name=person.shown,
            challenge=self._challenge(person.id),
            exclude_credentials=known,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
        )
        return webauthn.options_to_json(options).encode()

    def register(self, person: Person, credential: dict[str, Any], name: str) -> None:
        """Keep the passkey that the browser made."""
        challenge = self._take(credential, person.id)
        try:
            made = webauthn.verify_registration_response(
                credential=credential, expected_challenge=challenge, expected_rp_id=self._site,
                expected_origin=self._origin, require_user_verification=True,
            )  # fmt: skip
        except (WebAuthnException, ValueError, TypeError, KeyError) as error:
            raise Invalid(f"The passkey cannot be used: {error}", f"无法使用该通行密钥：{error}") from None
        self._people.add_passkey(person, made.credential_id, made.credential_public_key, made.sign_count, name)

    def to_sign_in(self) -> bytes:
        """What the browser needs to answer with a passkey, as JSON; of anybody, so that no name is told."""
        options = webauthn.generate_authentication_options(
            rp_id=self._site, challenge=self._challenge(""), user_verification=UserVerificationRequirement.REQUIRED
        )
        return webauthn.options_to_json(options).encode()

    def sign_in(self, credential: dict[str, Any]) -> Person:
        """The person whose passkey answered."""
        challenge = self._take(credential, "")
        refused = Unauthenticated("This passkey is not known here", "本系统不认识该通行密钥")
        try:
            passkey = self._people.passkey(base64url_to_bytes(credential["rawId"]))
            if passkey is None:
                raise refused
            done = webauthn.verify_authentication_response(
                credential=credential, expected_challenge=challenge, expected_rp_id=self._site,
                expected_origin=self._origin, credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.used, require_user_verification=True,
            )  # fmt: skip
        except (WebAuthnException, ValueError, TypeError, KeyError):
            raise refused from None
        self._people.use_passkey(passkey, done.new_sign_count)
        person = self._people.find(passkey.person)
        if person is None or person.disabled:
            raise refused
        return person
