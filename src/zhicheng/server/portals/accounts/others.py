"""The accounts of others, and the programs that sign people in: for administrators."""

from __future__ import annotations

from urllib.parse import quote

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid, NotFound
from zhicheng.server.http import NO_CONTENT, Answer, json_answer
from zhicheng.server.identity.clients import Client
from zhicheng.server.identity.people import Person
from zhicheng.server.identity.sessions import Purpose
from zhicheng.server.portals.accounts.bodies import list_of, object_of, text_of
from zhicheng.server.portals.accounts.session import person_document
from zhicheng.server.request import Request

_NO_STORE = ((b"cache-control", b"no-store"),)


def _person(request: Request) -> Person:
    """The account of the path: of the administrator's own tenant only."""
    found = request.city.identity.people.find(request.path["id"])
    if found is None or found.tenant != request.space.tenant:
        raise NotFound("There is no such account", "没有该账号")
    return found


async def people(request: Request) -> Answer:
    """GET /api/v1/people."""
    identity = request.city.identity
    found = [one for one in identity.people.all() if one.tenant == request.space.tenant]
    return json_answer([{**person_document(one), "sessions": len(identity.sessions.of(one))} for one in found])


async def add_person(request: Request) -> Answer:
    """POST /api/v1/people: gives the link by which the person sets a password."""
    said = await object_of(request, "name", "shown", "roles", "departments")
    identity = request.city.identity
    made = identity.people.add(
        text_of(said, "name"), request.space.tenant, list_of(said, "roles"), shown=text_of(said, "shown"),
        departments=list_of(said, "departments"),
    )  # fmt: skip
    return json_answer({**person_document(made), "link": link_for(request, "invite", made)}, 201, headers=_NO_STORE)


def link_for(request: Request, purpose: Purpose, person: Person) -> str:
    """An address that opens one door once. The secret stands behind #, which browsers send to nobody."""
    identity = request.city.identity
    return f"{identity.issuer}/welcome#{quote(identity.sessions.link(purpose, person))}"


async def change_person(request: Request) -> Answer:
    """PATCH /api/v1/people/{id}: shown, roles, departments, disabled."""
    said = await object_of(request, "shown", "roles", "departments", "disabled")
    identity, person = request.city.identity, _person(request)
    if "roles" in said or "departments" in said:
        roles = list_of(said, "roles") if "roles" in said else person.roles
        departments = list_of(said, "departments") if "departments" in said else person.departments
        identity.people.allow(person, roles, departments)
    if "shown" in said:
        identity.people.rename(person, text_of(said, "shown"))
    if "disabled" in said:
        if not isinstance(said["disabled"], bool):
            raise Invalid("disabled is true or false", "disabled 应为 true 或 false", parameter="disabled")
        identity.people.disable(person, said["disabled"])
    identity.forget()
    return NO_CONTENT


async def remove_person(request: Request) -> Answer:
    """DELETE /api/v1/people/{id}."""
    request.city.identity.people.remove(_person(request))
    request.city.identity.forget()
    return NO_CONTENT


async def reset_person(request: Request) -> Answer:
    """POST /api/v1/people/{id}/reset: a link for a new password; the second factor is taken away, all sessions end."""
    identity, person = request.city.identity, _person(request)
    identity.people.set_totp(person, None)
    identity.sessions.end_all(person)
    return json_answer({"link": link_for(request, "reset", person)}, 201, headers=_NO_STORE)


async def end_sessions(request: Request) -> Answer:
    """DELETE /api/v1/people/{id}/sessions."""
    return json_answer({"ended": request.city.identity.sessions.end_all(_person(request))})


def _client_document(client: Client) -> dict[str, object]:
    return {
        "id": client.id,
        "name": client.name,
        "redirects": list(client.redirects),
        "after_logout": list(client.after_logout),
        "scopes": list(client.scopes),
        "roles": list(client.roles),
        "public": client.secret is None,
        "trusted": client.trusted,
        "created_at": instants.format(client.created_at),
    }


async def clients(request: Request) -> Answer:
    """GET /api/v1/clients."""
    found = request.city.identity.clients.all()
    return json_answer([_client_document(one) for one in found if one.tenant == request.space.tenant])


async def add_client(request: Request) -> Answer:
    """POST /api/v1/clients: gives the secret, this once."""
    said = await object_of(request, "name", "redirects", "after_logout", "scopes", "roles", "public", "trusted")
    for name in ("public", "trusted"):
        if not isinstance(said.get(name, False), bool):
            raise Invalid(f"{name} is true or false", f"{name} 应为 true 或 false", parameter=name)
    made, secret = request.city.identity.clients.add(
        text_of(said, "name"), request.space.tenant, redirects=list_of(said, "redirects"),
        after_logout=list_of(said, "after_logout"), scopes=list_of(said, "scopes") or ("openid", "profile"),
        roles=list_of(said, "roles"), public=said.get("public") is True, trusted=said.get("trusted") is True,
    )  # fmt: skip
    return json_answer({**_client_document(made), "secret": secret}, 201, headers=_NO_STORE)


async def remove_client(request: Request) -> Answer:
    """DELETE /api/v1/clients/{id}."""
    found = request.city.identity.clients.find(request.path["id"])
    own = found is not None and found.tenant == request.space.tenant
    request.city.identity.clients.remove(request.path["id"] if own else "")
    return NO_CONTENT


async def rotate_keys(request: Request) -> Answer:
    """POST /api/v1/signing-keys: tokens are signed with a new key from now on."""
    return json_answer({"id": request.city.identity.keys.rotate()}, 201)


async def revoke_key(request: Request) -> Answer:
    """DELETE /api/v1/signing-keys/{id}: what a key signed counts no more."""
    request.city.identity.keys.revoke(request.path["id"])
    return NO_CONTENT
