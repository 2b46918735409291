"""The routes of the OpenID provider."""

from __future__ import annotations

from zhicheng.security.actions import PUBLIC, Named
from zhicheng.server.http import Answer
from zhicheng.server.interfaces.oauth import external
from zhicheng.server.request import Request
from zhicheng.server.routes import Body, Handler, Parameter, Response, Route

_ANSWER = Response(200, "The answer", "结果", {})
_GO = Response(302, "Where to go on", "跳转地址", None)
_FORM = Body({"type": "object"}, ("application/x-www-form-urlencoded",))
_ASKED = tuple(
    Parameter(name, f"{name} of OpenID Connect", f"OpenID Connect 的 {name}")
    for name in ("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "prompt", "max_age",
                 "login_hint", "code_challenge", "code_challenge_method", "ui_locales", "response_mode", "display",
                 "id_token_hint", "acr_values")
)  # fmt: skip
_ENDED = tuple(
    Parameter(name, f"{name} of RP-initiated logout", f"注销请求的 {name}")
    for name in ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales")
)
_NEXT = Parameter("next", "Path to go on to", "登录后转到的路径")
_BACK = tuple(
    Parameter(name, f"{name} of OpenID Connect", f"OpenID Connect 的 {name}")
    for name in ("code", "state", "error", "error_description", "iss", "session_state")
)
_LIMIT = 20_000


def _endpoint(name: str) -> Handler:
    """A function of `endpoints`, which is loaded with its protocols when somebody asks."""

    async def asked(request: Request) -> Answer:
        from zhicheng.server.interfaces.oauth import endpoints

        answer: Answer = await getattr(endpoints, name)(request)
        return answer

    return asked


OAUTH_ROUTES: tuple[Route, ...] = (
    Route("GET", "/.well-known/openid-configuration", PUBLIC, _endpoint("configuration"),
          Named("OpenID 配置", "OpenID configuration"), (), None, (_ANSWER,)),
    Route("GET", "/oauth/jwks", PUBLIC, _endpoint("jwks"), Named("签名公钥", "Public keys"), (), None, (_ANSWER,)),
    Route("GET", "/oauth/authorize", PUBLIC, _endpoint("authorize"),
          Named("授权", "Authorize a client"), _ASKED, None, (_GO,)),
    Route("POST", "/oauth/authorize", PUBLIC, _endpoint("authorize"),
          Named("授权", "Authorize a client"), (), _FORM, (_GO,), _LIMIT),
    Route("POST", "/oauth/token", PUBLIC, _endpoint("token"),
          Named("换取令牌", "Get tokens"), (), _FORM, (_ANSWER,), _LIMIT),
    Route("GET", "/oauth/userinfo", PUBLIC, _endpoint("userinfo"),
          Named("用户信息", "Who a token stands for"), (), None, (_ANSWER,)),
    Route("POST", "/oauth/userinfo", PUBLIC, _endpoint("userinfo"),
          Named("用户信息", "Who a token stands for"), (), _FORM, (_ANSWER,), _LIMIT),
    Route("POST", "/oauth/revoke", PUBLIC, _endpoint("revoke"),
          Named("吊销令牌", "Revoke a token"), (), _FORM, (_ANSWER,), _LIMIT),
    Route("POST", "/oauth/introspect", PUBLIC, _endpoint("introspect"),
          Named("查验令牌", "Look a token up"), (), _FORM, (_ANSWER,), _LIMIT),
    Route("GET", "/oauth/end-session", PUBLIC, _endpoint("end_session"),
          Named("注销", "Sign out"), _ENDED, None, (_GO,)),
    Route("POST", "/oauth/end-session", PUBLIC, _endpoint("end_session"),
          Named("注销", "Sign out"), (), _FORM, (_GO,), _LIMIT),
    Route("GET", "/oauth/external/{name}", PUBLIC, external.start,
          Named("用其他身份提供方登录", "Sign in with another provider"), (_NEXT,), None, (_GO,)),
    Route("GET", "/oauth/external/{name}/callback", PUBLIC, external.back,
          Named("从其他身份提供方返回", "Back from another provider"), _BACK, None, (_GO,)),
    Route("GET", "/api/v1/consent", "account:own", _endpoint("ask_consent"),
          Named("查看授权请求", "What a client asks for"), _ASKED, None, (_ANSWER,)),
    Route("POST", "/api/v1/consent", "account:own", _endpoint("consent"),
          Named("同意或拒绝授权", "Agree, or do not"), (), Body({"type": "object"}, ("application/json",)),
          (_ANSWER,), _LIMIT),
)  # fmt: skip
