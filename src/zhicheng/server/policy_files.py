"""The versions of a city's policies: a file each, never changed, with who made it, when and why."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import orjson

from zhicheng.hub.audit.journal import Journal
from zhicheng.kernel.errors import Conflict, Corrupt, NotFound
from zhicheng.security.defaults import POLICIES
from zhicheng.security.entries import Act, Entry, Outcome
from zhicheng.security.policies import Finding, check
from zhicheng.storage.engines.embedded.files import make_folder, sync_folder


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the policies; number 0 is what is shipped. at: microseconds"""

    number: int
    at: int
    principal: str
    note: str
    text: str


SHIPPED = Version(0, 0, "zhicheng", "", POLICIES)


class PolicyFiles:
    """The folder `policies` of a data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "policies"

    def numbers(self) -> list[int]:
        """The versions that there are, oldest first."""
        return sorted(int(path.stem) for path in self.folder.glob("*.json") if path.stem.isdecimal())

    def version(self, number: int) -> Version:
        """One version; NotFound."""
        if number == 0:
            return SHIPPED
        path = self.folder / f"{number:06d}.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=Version)
        except FileNotFoundError:
            raise NotFound(f"There is no version {number} of the policies", f"没有策略版本 {number}") from None
        except (OSError, msgspec.MsgspecError) as error:
            raise Corrupt(f"{path} cannot be read: {error}", f"无法读取 {path}：{error}") from None

    def current(self) -> Version:
        """The newest version; the shipped one where nobody made another."""
        numbers = self.numbers()
        return self.version(numbers[-1] if numbers else 0)

    def put(self, text: str, principal: str, note: str, journal: Journal) -> tuple[Version, list[Finding]]:
        """Keep a new version; Invalid where it is none. It counts once the log of acts has it.

        Conflict where somebody else made one at the same time.
        """
        findings = check(text)
        make_folder(self.folder)
        numbers = self.numbers()
        made = Version((numbers[-1] if numbers else 0) + 1, journal.now(), principal, note, text)
        partial = self.folder / f"{made.number:06d}.{os.getpid()}.partial"
        try:
            with partial.open("wb") as file:
                file.write(orjson.dumps(asdict(made), option=orjson.OPT_INDENT_2))
                file.flush()
                os.fsync(file.fileno())
            facts = {"version": str(made.number), "note": note}
            journal.log(
                Entry(made.at, Act.ADMINISTRATION, "policies:write", Outcome.ALLOWED, principal, "*", facts=facts)
            )
            os.link(partial, self.folder / f"{made.number:06d}.json")
            sync_folder(self.folder)
        except FileExistsError:
            raise Conflict(
                f"Somebody else just made version {made.number}: look at it first",
                f"版本 {made.number} 刚被他人创建：请先查看",
            ) from None
        finally:
            partial.unlink(missing_ok=True)
        return made, findings
