"""The routes of accounts."""

from __future__ import annotations

from zhicheng.security.actions import PUBLIC, Named
from zhicheng.server.portals.accounts import others, own, session
from zhicheng.server.routes import Body, Handler, Response, Route

_BODY = Body({"type": "object"}, ("application/json",))
_LIMIT = 40_000
_DONE, _ANSWER, _MADE = (
    Response(204, "Done", "完成"),
    Response(200, "The answer", "结果", {}),
    Response(201, "Made", "已创建", {}),
)
_OWN, _SEE, _KEEP = "account:own", "accounts:read", "accounts:write"
_A = "/api/v1/account"
_P, _C = "/api/v1/people", "/api/v1/clients"


def _route(method: str, path: str, action: str, handler: Handler, zh: str, en: str, answer: Response) -> Route:
    body = _BODY if method in ("POST", "PUT", "PATCH") else None
    return Route(method, path, action, handler, Named(zh, en), (), body, (answer,), _LIMIT)


ACCOUNT_ROUTES: tuple[Route, ...] = (
    _route("GET", "/api/v1/session", PUBLIC, session.who, "当前身份", "Who is asking", _ANSWER),
    _route("POST", "/api/v1/session", PUBLIC, session.sign_in, "登录", "Sign in", _ANSWER),
    _route("DELETE", "/api/v1/session", PUBLIC, session.sign_out, "退出登录", "Sign out", _DONE),
    _route("POST", "/api/v1/session/passkey/options", PUBLIC, session.passkey_options, "通行密钥登录请求",
           "Begin to sign in with a passkey", _ANSWER),
    _route("POST", "/api/v1/session/passkey", PUBLIC, session.passkey_sign_in, "用通行密钥登录",
           "Sign in with a passkey", _ANSWER),
    _route("POST", "/api/v1/links/read", PUBLIC, session.read_link, "查看一次性链接",
           "What a link is for", _ANSWER),
    _route("POST", "/api/v1/links", PUBLIC, session.use_link, "使用一次性链接", "Use a link", _ANSWER),
    _route("GET", _A, _OWN, own.read, "我的账号", "One's own account", _ANSWER),
    _route("PATCH", _A, _OWN, own.rename, "修改显示名", "Change one's name", _DONE),
    _route("PUT", f"{_A}/password", _OWN, own.set_password, "修改密码", "Change one's password", _DONE),
    _route("POST", f"{_A}/second-factor/secret", _OWN, own.new_secret, "获取动态口令密钥",
           "A secret for one-time passwords", _ANSWER),
    _route("PUT", f"{_A}/second-factor", _OWN, own.set_second_factor, "启用双因素",
           "Turn the second factor on", _ANSWER),
    _route("POST", f"{_A}/second-factor/drop", _OWN, own.drop_second_factor, "停用双因素",
           "Turn the second factor off", _DONE),
    _route("POST", f"{_A}/passkeys/options", _OWN, own.passkey_options, "注册通行密钥请求",
           "Begin to make a passkey", _ANSWER),
    _route("POST", f"{_A}/passkeys", _OWN, own.add_passkey, "注册通行密钥", "Keep a passkey", _MADE),
    _route("DELETE", f"{_A}/passkeys/{{id}}", _OWN, own.drop_passkey, "移除通行密钥", "Remove a passkey", _DONE),
    _route("DELETE", f"{_A}/sessions/{{id}}", _OWN, own.end_session, "结束会话", "End a session", _DONE),
    _route("DELETE", f"{_A}/sessions", _OWN, own.end_others, "结束其他会话", "End all other sessions", _ANSWER),
    _route("GET", _P, _SEE, others.people, "账号列表", "Accounts", _ANSWER),
    _route("POST", _P, _KEEP, others.add_person, "新建账号", "Make an account", _MADE),
    _route("PATCH", f"{_P}/{{id}}", _KEEP, others.change_person, "修改账号", "Change an account", _DONE),
    _route("DELETE", f"{_P}/{{id}}", _KEEP, others.remove_person, "删除账号", "Remove an account", _DONE),
    _route("POST", f"{_P}/{{id}}/reset", _KEEP, others.reset_person, "重置账号", "Reset an account", _MADE),
    _route("DELETE", f"{_P}/{{id}}/sessions", _KEEP, others.end_sessions, "结束账号的会话",
           "End an account's sessions", _ANSWER),
    _route("GET", _C, _SEE, others.clients, "客户端列表", "Clients", _ANSWER),
    _route("POST", _C, _KEEP, others.add_client, "登记客户端", "Register a client", _MADE),
    _route("DELETE", f"{_C}/{{id}}", _KEEP, others.remove_client, "移除客户端", "Remove a client", _DONE),
    _route("POST", "/api/v1/signing-keys", _KEEP, others.rotate_keys, "更换签名密钥", "Rotate the signing key", _MADE),
    _route("DELETE", "/api/v1/signing-keys/{id}", _KEEP, others.revoke_key, "吊销签名密钥",
           "Revoke a signing key", _DONE),
)  # fmt: skip
