"""What the city can be told about subscriptions."""

from __future__ import annotations

from dataclasses import dataclass

from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.kernel.settings import Duration, Size


@dataclass(frozen=True, slots=True)
class SubscriptionSettings:
    """[subscriptions]

    allow: receivers that may be at loopback, link-local or private addresses, as "host" or "host:port"
    most: subscriptions of a tenant; queue, queue_size: notifications of one, and bytes, that wait in memory, the rest
    being read from the log when there is room
    parallel: requests of one subscription under way at once; timeout: of one request, unless its endpoint says
    attempts: how often a notification is tried before it is put aside; first_retry, longest_retry: waits in between
    dead_letters: how many of those put aside are remembered for each subscription
    """

    allow: tuple[str, ...] = ()
    most: int = 1000
    queue: int = 1000
    queue_size: Size = 8_000_000
    parallel: int = 4
    timeout: Duration = 10 * SECOND
    attempts: int = 10
    first_retry: Duration = SECOND
    longest_retry: Duration = 5 * MINUTE
    dead_letters: int = 1000

    def __post_init__(self) -> None:
        if min(self.most, self.queue, self.parallel, self.attempts, self.dead_letters) < 1:
            raise Invalid(
                "most, queue, parallel, attempts and dead_letters are at least 1",
                "most、queue、parallel、attempts 和 dead_letters 至少为 1",
            )
        if min(self.timeout, self.first_retry, self.longest_retry) <= 0:
            raise Invalid(
                "timeout, first_retry and longest_retry are more than nothing",
                "timeout、first_retry 和 longest_retry 应大于零",
            )
