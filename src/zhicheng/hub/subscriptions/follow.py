"""A follower of the log: folds what is watched onto a state of its own and says what each commit means for whom.

Its state is that of the commit it looks at, however far the city's has gone on meanwhile, so that what is told does not
depend on how fast the follower is, and the same commit means the same again after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from zhicheng.hub.subscriptions.happenings import Happened, happenings, rounds
from zhicheng.hub.subscriptions.model import Notice, Subscription, Trigger
from zhicheng.hub.subscriptions.notification import entity_document, gone_document, notification_id, split, without
from zhicheng.hub.subscriptions.watch import Watch
from zhicheng.kernel.columns import I4, Index
from zhicheng.standards.changes import Act
from zhicheng.standards.ngsild.changes import list_of
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind
from zhicheng.storage.entities import attribute_at, entity_at
from zhicheng.storage.excerpt import excerpt
from zhicheng.storage.live import State, Table
from zhicheng.storage.log import Batch, HistoryQuery
from zhicheng.storage.port import Store
from zhicheng.storage.series import in_log_order


@dataclass(slots=True)
class Step:
    """What came of some commits: notices in order of position, entities erased, and how far the follower is now."""

    position: int
    recorded_at: int
    notices: list[Notice] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)


class Follower:
    """Stands at a position of the log."""

    def __init__(self, store: Store, state: State, position: int, watch: Watch) -> None:
        self.store = store
        self.state = state
        self.position = position
        self.watch = watch
        self.kinds = watch.kinds
        self._until: dict[str | None, int] = {}

    @classmethod
    def present(cls, store: Store, watch: Watch) -> Follower:
        """One that begins with what comes next."""
        with store.state.lock:
            return cls(store, excerpt(store.state, _wanted(watch)), store.state.position, watch)

    @classmethod
    def past(cls, store: Store, position: int, watch: Watch) -> Follower:
        """One that begins after an earlier position.

        The city is taken as of just before that commit was recorded; what is between is folded without a word, since
        commits of one instant cannot be told apart by it.
        """
        with store.state.lock:
            if position >= store.state.position:
                return cls.present(store, watch)
        around = store.tail(position - 1, 1)
        recorded_at = int(around.recorded_at[0]) if len(around) else store.state.recorded_at
        whole = store.as_of(recorded_at - 1, recorded_at - 1)
        follower = cls(store, excerpt(whole, _wanted(watch)), whole.position, watch)
        while follower.position < position:
            follower.fold(position)
        return follower

    def covers(self, watch: Watch) -> bool:
        """Whether everything that these subscriptions may tell of is followed already."""
        return self.kinds is None or (watch.kinds is not None and watch.kinds <= self.kinds)

    def fold(self, until: int, limit: int = 65_536) -> None:
        """Take the next commits, up to a position, without telling anyone."""
        batch = self._next(limit)
        batch = batch.take(batch.position <= until)
        for part in rounds(batch.take(self._followed(batch))):
            self._apply(part)
        self.position = int(batch.position[-1]) if len(batch) else until

    def step(self, limit: int = 16_384) -> Step:
        """Take the next commits and say what they mean."""
        end, recorded_at = self.store.state.position, self.store.state.recorded_at
        batch = self._next(limit)
        if len(batch):
            end, recorded_at = int(batch.position[-1]), int(batch.recorded_at[-1])
        step = Step(max(end, self.position), recorded_at)
        if len(batch):
            self._tell(batch, step)
        self.position = step.position
        return step

    def _next(self, limit: int) -> Batch:
        return self.store.tail(self.position, limit)

    # what is followed -------------------------------------------------------------------------------------------

    def _followed(self, batch: Batch) -> Index:
        """The rows of entities that are followed, or begin to be in the batch."""
        changes = batch.changes
        entity = changes.entity if len(changes.entity.values) <= len(batch) else changes.entity.compact()
        codes = np.fromiter((self.state.directory.index.get(name, -1) for name in entity.values), np.int64)
        living = np.zeros(len(entity.values) + 1, np.bool_)
        living[:-1] = (codes >= 0) & (self.state.directory.table[codes] >= 0)
        named = np.flatnonzero((changes.kind == Kind.TYPES) & (changes.act == Act.SET))
        if len(named):
            texts = changes.text.take(named).compact()
            wanted = _wanted(self.watch)
            new = np.array([*(wanted(list_of(text)) for text in texts.values), False])[texts.codes]
            living[entity.codes[named[new]]] = True
        return np.flatnonzero(living[entity.codes])

    def _adopt(self, part: Batch, codes: I4) -> None:
        """An entity that becomes of a followed type was something else before: take over what it was."""
        changes, directory = part.changes, self.state.directory
        rows = np.flatnonzero((changes.kind == Kind.TYPES) & (changes.life != part.position))
        for row in rows[directory.life[codes[rows]] != changes.life[rows]].tolist():
            name = changes.entity[row] or ""
            past = in_log_order(self.store.rows(HistoryQuery((name,), None)))
            before = past.take((past.position < part.position[row]) & (past.changes.life == changes.life[row]))
            self._until = {name: int(part.position[row]) - 1}
            self.state.apply(before, self._history)

    def _history(self, entity: str, attribute: str) -> Batch:
        """All rows of a cell up to where the follower is."""
        past = in_log_order(self.store.rows(HistoryQuery((entity,), (attribute,), time="effective")))
        return past.take(past.position <= self._until.get(entity, 0))

    def _apply(self, part: Batch) -> None:
        self._until = dict(zip(part.changes.entity.take(slice(None)).list(), part.position.tolist(), strict=True))
        self.state.apply(part, self._history)

    # what is told -----------------------------------------------------------------------------------------------

    def _tell(self, batch: Batch, step: Step) -> None:
        """Fold the batch and put what it means into the step."""
        orders = np.flatnonzero(batch.changes.act == Act.ERASE)
        step.erased = [batch.changes.entity[row] or "" for row in orders.tolist()]
        rows = self._followed(batch)
        if not len(rows):
            return
        notices: dict[tuple[int, int], Notice] = {}
        for part in rounds(batch.take(rows)):
            for number, said in self._round(part):
                key = (said.position, number)
                if key in notices:
                    notices[key].data.extend(said.data)
                    notices[key].triggers |= said.triggers
                else:
                    notices[key] = said
        step.notices = [piece for key in sorted(notices) for piece in split(notices[key])]

    def _round(self, part: Batch) -> Iterator[tuple[int, Notice]]:
        """Commits that have no entity in common: fold them and say what they mean, by the subscription's number."""
        codes = self.state.directory.codes(part.changes.entity)
        self._adopt(part, codes)
        dying = list(self._dying(part, codes))
        previous = self._previous(part, codes)
        found = happenings(self.state, part, codes, lambda: self._apply(part))
        for number, code, row, entity in dying:
            if self.state.directory.table[code] < 0:
                one = self.watch.subscriptions[number]
                data = (entity.id, gone_document(one, entity))
                yield number, _notice(one, part, row, Trigger.ENTITY_DELETED, data)
        yield from self._living(part, codes, found, previous)

    def _dying(self, part: Batch, codes: I4) -> Iterator[tuple[int, int, int, Entity]]:
        """Who is to be told of a removal: subscription, entity's code, row, and the entity as it was."""
        changes, directory = part.changes, self.state.directory
        rows = np.flatnonzero((changes.kind == Kind.LIFE) & (changes.act != Act.SET))
        rows = rows[directory.table[codes[rows]] >= 0]
        for table_number in np.unique(directory.table[codes[rows]]).tolist():
            table = self.state.tables[table_number]
            own = rows[directory.table[codes[rows]] == table_number]
            wanting = self.watch.possible(table.types) & self.watch.wanting(None, Trigger.ENTITY_DELETED)
            places = directory.row[codes[own]]
            for number in np.flatnonzero(wanting).tolist():
                for row in own[self.watch.subscriptions[number].fulfilled(table, places)].tolist():
                    entity = entity_at(table, int(directory.row[codes[row]]), ())
                    entity.deleted_at = int(part.effective[row])
                    yield number, int(codes[row]), row, entity

    def _previous(self, part: Batch, codes: I4) -> dict[int, Attribute]:
        """What stands in the cells that rows concern, where somebody wants to know: by row."""
        wanted = self.watch.changes | ((self.watch.triggers & Trigger.ATTRIBUTE_DELETED) != 0)
        if not wanted.any():
            return {}
        directory = self.state.directory
        of_table = np.array([bool((self.watch.possible(t.types) & wanted).any()) for t in self.state.tables] + [False])
        rows = np.flatnonzero((part.changes.kind < Kind.TYPES) & of_table[directory.table[codes]])
        rows = rows[directory.life[codes[rows]] == part.changes.life[rows]]
        found: dict[int, Attribute] = {}
        for cells, places, own, _ in self.state.by_cells(part.changes, codes, rows):
            there = cells.arrays["form"][places] != 0
            for place, row in zip(places[there].tolist(), own[there].tolist(), strict=True):
                found[row] = attribute_at(cells, place)
        return found

    def _living(
        self, part: Batch, codes: I4, found: Happened, previous: dict[int, Attribute]
    ) -> Iterator[tuple[int, Notice]]:
        tables = self.state.directory.table[codes[found.rows]]
        attributes = part.changes.attribute.take(found.rows)
        keys = np.stack([tables.astype(np.int64), attributes.codes.astype(np.int64), found.flags])
        combinations, place = np.unique(keys, axis=1, return_inverse=True)
        hits: dict[tuple[int, int], list[Index]] = {}
        for number, (table, attribute, flags) in enumerate(combinations.T.tolist()):
            if table < 0:
                continue
            name = None if attribute < 0 else attributes.values[attribute]
            wanting = self.watch.possible(self.state.tables[table].types) & self.watch.wanting(name, flags)
            if wanting.any():
                chosen = np.flatnonzero(place.reshape(-1) == number)
                for one in np.flatnonzero(wanting).tolist():
                    hits.setdefault((one, table), []).append(chosen)
        shown: dict[tuple[int, int], bytes] = {}
        for (number, table), pieces in hits.items():
            chosen = self._open(self.watch.subscriptions[number], part, found, np.concatenate(pieces), previous)
            if len(chosen):
                yield from self._told(part, codes, found, chosen, (number, table), previous, shown)

    def _open(
        self, one: Subscription, part: Batch, found: Happened, chosen: Index, previous: dict[int, Attribute]
    ) -> Index:
        """Without what happened to values that are not shown to whoever made the subscription."""
        if one.veil is None:
            return chosen
        rows = found.rows[chosen]
        shown = one.veil.shown_rows(part.changes.take(rows))
        for place in np.flatnonzero(found.flags[chosen] & Trigger.ATTRIBUTE_DELETED).tolist():
            was = previous.get(int(rows[place]))
            name = part.changes.attribute[int(rows[place])] or ""
            shown[place] = was is not None and one.veil.shows(name, was.owner, was.classification)
        return chosen[shown]

    def _told(
        self, part: Batch, codes: I4, found: Happened, chosen: Index, where: tuple[int, int],
        previous: dict[int, Attribute], shown: dict[tuple[int, int], bytes],
    ) -> Iterator[tuple[int, Notice]]:  # fmt: skip
        """The entities of one table that fulfil one subscription."""
        number, table = self.watch.subscriptions[where[0]], self.state.tables[where[1]]
        entities, first, place = np.unique(codes[found.rows[chosen]], return_index=True, return_inverse=True)
        triggers = np.zeros(len(entities), np.int64)
        np.bitwise_or.at(triggers, place, found.flags[chosen] & int(number.triggers))
        rows = self.state.directory.row[entities]
        for at in np.flatnonzero(number.fulfilled(table, rows)).tolist():
            row = int(found.rows[chosen[first[at]]])
            document = self._document(number, part, table, int(rows[at]), codes, int(entities[at]), previous, shown)
            data = (self.state.directory.ids[int(entities[at])], document)
            yield where[0], _notice(number, part, row, Trigger(int(triggers[at])), data)

    def _document(
        self, one: Subscription, part: Batch, table: Table, row: int, codes: I4, code: int,
        previous: dict[int, Attribute], shown: dict[tuple[int, int], bytes],
    ) -> bytes:  # fmt: skip
        own = [at for at in np.flatnonzero(codes == code).tolist() if at in previous] if previous else []
        key = (code, id(one))
        if not own and key in shown:
            return shown[key]
        entity = entity_at(table, row)
        if one.veil is not None:
            entity = one.veil.shown(entity)
        before: dict[tuple[str, str | None], Attribute] = {}
        gone: list[tuple[str, Attribute]] = []
        for at in own:
            name, was = part.changes.attribute[at] or "", previous[at]
            if one.veil is not None and not one.veil.shows(name, was.owner, was.classification):
                continue
            stands = any(each.dataset == was.dataset for each in entity.attributes.get(name, ()))
            if stands:
                before[name, was.dataset] = was
            elif (name, was) not in gone:
                gone.append((name, was))
        if one.triggers & Trigger.ATTRIBUTE_DELETED and gone:
            entity = without(entity, gone, int(part.recorded_at[own[0]]))
        shown[key] = entity_document(one, entity, before if one.changes else None)
        return shown[key]


def _wanted(watch: Watch) -> Callable[[tuple[str, ...]], bool]:
    """Whether entities of these types are followed."""
    kinds = watch.kinds
    if kinds is None:
        return lambda types: True
    return lambda types: not kinds.isdisjoint(types)


def _notice(one: Subscription, part: Batch, row: int, triggers: Trigger, data: tuple[str, bytes]) -> Notice:
    position = int(part.position[row])
    identifier = notification_id(one.id, position)
    return Notice(one.id, identifier, position, int(part.recorded_at[row]), triggers, [data])
