"""How long vehicles take from one point of their way to the next, learnt from those that went there.

Three things are known of a hop: its scheduled time, what it usually takes in an hour of such a class, and how the
last vehicles differed from that. Each is believed as far as it has been seen: the usual time is drawn to the
schedule, the last vehicles' ratio to one (shrinkage by pseudo-counts, as of a normal mean with a conjugate prior).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from zhicheng.kernel import zones
from zhicheng.kernel.columns import F8, I8, Index
from zhicheng.kernel.instants import ABSENT, HOUR

CLASSES = 8
"""Classes of hours: five of a day from Monday to Friday, three of a weekend."""
_WORKDAY = (0,) * 6 + (1,) * 4 + (2,) * 6 + (3,) * 4 + (4,) * 4
_WEEKEND = (5,) * 8 + (6,) * 12 + (7,) * 4


@dataclass(frozen=True, slots=True)
class Belief:
    """How quickly vehicles are believed.

    schedule: the schedule counts as so many vehicles
    memory: a class of hours remembers about so many; its times are also told by other hours, which count as `others`
    recent: the last vehicles' ratio counts against so many that went as usual
    vehicles, seconds: after so many more vehicles, or so long, a recent one counts half
    spread: the deviation of the log of a hop's time that is assumed before it is learnt; it counts as `doubt` hops
    own: the share of the spread of a hop's time that is the vehicle's own; the rest is of when it is reported, and is
        made up for by the next hop; 1 where positions tell the time exactly
    held: seconds over what was expected that always count
    lasting: after so many hops, what was seen of that deviation counts half
    """

    schedule: float = 1.0
    memory: float = 60.0
    others: float = 2.0
    recent: float = 1.0
    vehicles: float = 3.0
    seconds: float = 1800.0
    spread: float = 0.3
    doubt: float = 30.0
    own: float = 0.7
    held: float = 120.0
    lasting: float = 2000.0


@dataclass
class Hops:
    """What is known of hops: columns, a row a hop.

    prior: scheduled seconds; weight, mean: vehicles seen and their mean seconds, by class of hours
    ratio, seen, when: mean of the last vehicles' time as part of the usual one, how many they count, when the last came
    dwell, dwells: mean seconds spent at the hop's first point of it, and of how many vehicles
    error: sum of |log of time to expectation| over all hops, and how many those count: how far to trust it all
    """

    prior: F8 = field(default_factory=lambda: np.zeros(0))
    weight: F8 = field(default_factory=lambda: np.zeros((0, CLASSES)))
    mean: F8 = field(default_factory=lambda: np.zeros((0, CLASSES)))
    ratio: F8 = field(default_factory=lambda: np.zeros(0))
    seen: F8 = field(default_factory=lambda: np.zeros(0))
    when: I8 = field(default_factory=lambda: np.zeros(0, np.int64))
    dwell: F8 = field(default_factory=lambda: np.zeros(0))
    dwells: F8 = field(default_factory=lambda: np.zeros(0))
    error: F8 = field(default_factory=lambda: np.zeros(2))

    def __len__(self) -> int:
        return len(self.prior)

    def grow(self, prior: F8, dwell: F8) -> None:
        """Add hops of which only the schedule is known: seconds from point to point, and of those at the first."""
        more = len(prior)
        self.prior = np.append(self.prior, prior)
        self.dwell = np.append(self.dwell, dwell)
        self.weight = np.concatenate([self.weight, np.zeros((more, CLASSES))])
        self.mean = np.concatenate([self.mean, np.zeros((more, CLASSES))])
        for name in ("ratio", "seen", "dwells"):
            setattr(self, name, np.append(getattr(self, name), np.zeros(more)))
        self.when = np.append(self.when, np.zeros(more, np.int64))


def usual(hops: Hops, rows: Index, hour: Index, belief: Belief) -> F8:
    """Seconds that hops usually take, each in an hour of its class.

    >>> hops = Hops()
    >>> hops.grow(np.array([100.0]), np.zeros(1))
    >>> usual(hops, np.array([0]), np.array([1]), Belief()).tolist()
    [100.0]
    """
    weight, mean = hops.weight[rows], hops.mean[rows]
    places = np.arange(len(rows))
    own, here = weight[places, hour], mean[places, hour]
    everywhere = (belief.schedule * hops.prior[rows] + (weight * mean).sum(axis=1)) / (
        belief.schedule + weight.sum(axis=1)
    )
    found: F8 = (belief.others * everywhere + own * here) / (belief.others + own)
    return found


def expected(hops: Hops, rows: Index, hour: Index, at: I8, belief: Belief) -> F8:
    """Seconds that hops are expected to take now (`at`: microseconds), by what is usual and by the last vehicles."""
    age = np.maximum(at - hops.when[rows], 0) / 1e6
    seen = hops.seen[rows] * 0.5 ** (age / belief.seconds)
    found: F8 = usual(hops, rows, hour, belief) * ((seen * hops.ratio[rows] + belief.recent) / (seen + belief.recent))
    return found


def learn(hops: Hops, rows: Index, seconds: F8, share: F8, hour: Index, at: I8, belief: Belief) -> None:
    """Take in vehicles' times of hops, ended at `at`; `share` says how much of a vehicle each counts.

    Rows may repeat. Times over four times what was expected (and `held` seconds over it), or under a quarter, count
    as that: a train held for long says little of the next.

    >>> hops, one = Hops(), np.ones(2, np.intp)
    >>> hops.grow(np.array([100.0]), np.zeros(1))
    >>> learn(hops, one * 0, np.array([130.0, 110.0]), np.ones(2), one, np.zeros(2, np.int64), Belief())
    >>> expected(hops, one[:1] * 0, one[:1], np.zeros(1, np.int64), Belief()).round(1).tolist()
    [118.9]
    """
    if not len(rows):
        return
    guess = expected(hops, rows, hour, at, belief)
    seconds = np.clip(seconds, guess / 4, np.maximum(guess * 4, guess + belief.held))
    forget = 0.5 ** (share.sum() / belief.lasting)
    hops.error = hops.error * forget + np.array([(share * np.abs(np.log(seconds / guess))).sum(), share.sum()])
    _learn_usual(hops, rows, seconds, share, hour, belief)
    _learn_recent(hops, rows, seconds / usual(hops, rows, hour, belief), share, at, belief)


def _learn_usual(hops: Hops, rows: Index, seconds: F8, share: F8, hour: Index, belief: Belief) -> None:
    cells, place = np.unique(rows * CLASSES + hour, return_inverse=True)
    row, own = cells // CLASSES, cells % CLASSES
    count = np.bincount(place, share)
    old = np.minimum(hops.weight[row, own], np.maximum(belief.memory - count, 0))
    hops.mean[row, own] = (old * hops.mean[row, own] + np.bincount(place, share * seconds)) / (old + count)
    hops.weight[row, own] = old + count


def _learn_recent(hops: Hops, rows: Index, ratio: F8, share: F8, at: I8, belief: Belief) -> None:
    row, place = np.unique(rows, return_inverse=True)
    count, newest = np.bincount(place, share), np.full(len(row), ABSENT)
    np.maximum.at(newest, place, at)
    age = np.maximum(newest - hops.when[row], 0) / 1e6
    seen = hops.seen[row] * 0.5 ** (age / belief.seconds + count / belief.vehicles)
    hops.ratio[row] = (seen * hops.ratio[row] + np.bincount(place, share * ratio)) / (seen + count)
    hops.seen[row] = seen + count
    hops.when[row] = np.maximum(hops.when[row], newest)


def learn_dwell(hops: Hops, rows: Index, seconds: F8) -> None:
    """Take in the seconds that vehicles stood at the first points of hops; the mean of about the last twenty."""
    distinct, place = np.unique(rows, return_inverse=True)
    count = np.bincount(place).astype(np.float64)
    total = np.bincount(place, np.clip(seconds, 0, 300))
    old = np.minimum(hops.dwells[distinct], 20.0) + 2.0  # what was assumed counts as two vehicles
    hops.dwell[distinct] = (old * hops.dwell[distinct] + total) / (old + count)
    hops.dwells[distinct] += count


def spread(hops: Hops, belief: Belief) -> float:
    """The deviation of the log of a hop's time from its expectation, from the mean of its size (sqrt(pi / 2) of it)."""
    total, count = float(hops.error[0]), float(hops.error[1])
    wide = (np.sqrt(np.pi / 2) * total + belief.doubt * belief.spread) / (count + belief.doubt)
    return float(wide)


def left(typical: F8, elapsed: F8, spread: float, quantile: float = 0.5) -> F8:
    """Seconds of a hop still to come after `elapsed`, which said that it is not over yet.

    Quantile of a log-logistic time of that median, given that it is longer than `elapsed`: survival is
    S(t) = 1 / (1 + (t / median)^b), so t = median * (1 / ((1 - q) S(elapsed)) - 1)^(1 / b), with
    b = pi / (sqrt(3) * spread). Who is overdue is expected later, but not for ever.

    >>> left(np.array([100.0, 100.0, 100.0]), np.array([0.0, 60.0, 200.0]), 0.3).round().tolist()
    [100.0, 41.0, 25.0]
    """
    shape = np.pi / (np.sqrt(3) * max(spread, 0.05))
    elapsed = np.clip(elapsed, 0.0, 20 * typical)
    grown = (elapsed / np.maximum(typical, 1e-9)) ** shape
    time = typical * np.maximum((1 + grown) / (1 - quantile) - 1, 0) ** (1 / shape)
    rest: F8 = np.maximum(time - elapsed, 0.0)
    return rest


def hour_class(city: ZoneInfo, at: int) -> int:
    """The class of hours of an instant, by the city's clock.

    >>> from zhicheng.kernel import instants
    >>> hour_class(zones.zone("Asia/Shanghai"), instants.parse("2026-03-02T08:00:00+08:00"))
    1
    """
    clock = zones.local(city, at)
    return (_WEEKEND if clock.weekday() >= 5 else _WORKDAY)[clock.hour]


def hour_classes(city: ZoneInfo, at: I8) -> Index:
    """The classes of hours of instants, which are those of the UTC hours they are in."""
    hours, place = np.unique(at // HOUR, return_inverse=True)
    return np.array([_class_of(city, hour) for hour in hours.tolist()], np.intp)[place]


@lru_cache(maxsize=4096)
def _class_of(city: ZoneInfo, hour: int) -> int:
    return hour_class(city, hour * HOUR)


def next_hour(city: ZoneInfo, at: int) -> int:
    """The instant at which the hour of the city's clock ends that holds `at`; till then its class stays."""
    clock = zones.local(city, at)
    rest = timedelta(hours=1) - timedelta(minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond)
    return at + rest // timedelta(microseconds=1)
