"""Errors that only NGSI-LD knows."""

from __future__ import annotations

from typing import ClassVar

from zhicheng.kernel.errors import ZhichengError


class TooManyResults(ZhichengError):
    """The query selects more than may be given at once."""

    code: ClassVar[str] = "too-many-results"
    status: ClassVar[int] = 403
    title_en: ClassVar[str] = "Too many results"
    title_zh: ClassVar[str] = "结果过多"


class InvalidRequest(ZhichengError):
    """The request itself, not its data, cannot be understood."""

    code: ClassVar[str] = "invalid-request"
    status: ClassVar[int] = 400
    title_en: ClassVar[str] = "Invalid request"
    title_zh: ClassVar[str] = "请求无效"
