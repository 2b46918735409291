"""Every error a person or program can meet: one hierarchy with code, HTTP status and text in two languages."""

from __future__ import annotations

from typing import ClassVar, Literal

Language = Literal["zh", "en"]


class ZhichengError(Exception):
    """Base of all our errors; interfaces map from `code` and `status` to their own format.

    `en` and `zh` say what is wrong and what to do; `facts` are the same for programs.

    >>> error = NotFound("Entity urn:x does not exist", "实体 urn:x 不存在", id="urn:x")
    >>> error.status, error.text("zh"), error.facts["id"]
    (404, '实体 urn:x 不存在', 'urn:x')
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title_en: ClassVar[str] = "Internal error"
    title_zh: ClassVar[str] = "内部错误"

    def __init__(self, en: str, zh: str, **facts: object) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh
        self.facts = facts

    def text(self, language: Language) -> str:
        """What is wrong, in the asked language."""
        return self.zh if language == "zh" else self.en

    def title(self, language: Language) -> str:
        """The kind of error, in the asked language."""
        return self.title_zh if language == "zh" else self.title_en


class Invalid(ZhichengError):
    """The input breaks a rule of its format or model."""

    code, status = "invalid", 400
    title_en, title_zh = "Invalid input", "输入无效"


class Unauthenticated(ZhichengError):
    """No credential, or one that is not valid."""

    code, status = "unauthenticated", 401
    title_en, title_zh = "Credential needed", "需要凭证"


class Forbidden(ZhichengError):
    """The credential does not allow the action."""

    code, status = "forbidden", 403
    title_en, title_zh = "Not allowed", "没有权限"


class NotFound(ZhichengError):
    """What was named does not exist, or not for this principal."""

    code, status = "not-found", 404
    title_en, title_zh = "Not found", "未找到"


class MethodNotAllowed(ZhichengError):
    """The resource exists but does not take this method."""

    code, status = "method-not-allowed", 405
    title_en, title_zh = "Method not allowed", "不支持该方法"


class NotAcceptable(ZhichengError):
    """None of the representations the client accepts can be made."""

    code, status = "not-acceptable", 406
    title_en, title_zh = "Not acceptable", "无法提供所需格式"


class AlreadyExists(ZhichengError):
    """What is to be created is there already."""

    code, status = "already-exists", 409
    title_en, title_zh = "Already exists", "已经存在"


class Conflict(ZhichengError):
    """The state changed under the request; read again and retry."""

    code, status = "conflict", 409
    title_en, title_zh = "Conflict", "冲突"


class TooLarge(ZhichengError):
    """The input is over a size limit."""

    code, status = "too-large", 413
    title_en, title_zh = "Too large", "内容过大"


class UnsupportedMedia(ZhichengError):
    """The body's media type or encoding is not one we read."""

    code, status = "unsupported-media", 415
    title_en, title_zh = "Unsupported media type", "不支持的内容类型"


class TooMany(ZhichengError):
    """The principal asks for more than its share; wait and retry."""

    code, status = "too-many", 429
    title_en, title_zh = "Too many requests", "请求过多"


class NotSupported(ZhichengError):
    """The standard knows this operation; we do not do it."""

    code, status = "not-supported", 501
    title_en, title_zh = "Operation not supported", "不支持该操作"


class Unavailable(ZhichengError):
    """The platform, or a peer it needs, cannot answer now."""

    code, status = "unavailable", 503
    title_en, title_zh = "Unavailable", "暂不可用"


class StorageFailed(ZhichengError):
    """The disk refused a write; nothing more is acknowledged until a restart."""

    code, status = "storage-failed", 503
    title_en, title_zh = "Storage failed", "存储故障"


class StorageFull(ZhichengError):
    """There is no room on the disk; reads go on, writes are refused."""

    code, status = "storage-full", 507
    title_en, title_zh = "Storage full", "存储空间不足"


class Corrupt(ZhichengError):
    """Stored bytes do not match their checksum; they are not served."""

    code, status = "corrupt", 500
    title_en, title_zh = "Stored data is damaged", "存储数据已损坏"


class BadConfiguration(ZhichengError):
    """The configuration has an unknown key or a value that cannot be used."""

    code, status = "bad-configuration", 500
    title_en, title_zh = "Configuration error", "配置错误"


class PeerFailed(ZhichengError):
    """A system we asked did not answer as its standard says."""

    code, status = "peer-failed", 502
    title_en, title_zh = "Source failed", "数据源故障"
