"""Names that nobody has: pairs of characters with their sounds, and what departments and places are called."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, product

import numpy as np

from zhicheng.demo.plan import Said

_FIRST = (
    "云yun 锦jin 望wang 临lin 碧bi 青qing 春chun 秋qiu 晴qing 朝zhao 霞xia 竹zhu 松song 梅mei 兰lan 荷he 榕rong "
    "桂gui 棠tang 星xing 月yue 明ming 秀xiu 和he 安an 长chang 永yong 新xin 金jin 银yin 玉yu 翠cui 枫feng 橘ju "
    "鹭lu 鹤he 燕yan 白bai 紫zi 南nan 凤feng"
)
_SECOND = (
    "景jing 绣xiu 溪xi 湖hu 山shan 园yuan 林lin 阳yang 光guang 华hua 岭ling 湾wan 桥qiao 洲zhou 塘tang 平ping 宁ning "
    "康kang 乐le 福fu 泰tai 泉quan 坪ping 浦pu 岸an 亭ting 坡po 川chuan 屏ping 渡du"
)


_REAL = (
    "南宁 南平 南川 南康 南华 南乐 南溪 南山 南湖 南浦 南坪 银川 金华 金湖 金山 金川 金平 金塘 金溪 永川 "
    "永康 永福 永平 永宁 永泰 永乐 永山 永华 长宁 长安 长乐 长泰 长岭 长山 长平 长桥 安康 安福 安平 安溪 "
    "安宁 安泰 安阳 安乐 安山 新华 新乐 新宁 新平 新泰 新浦 新康 新安 兰溪 兰山 兰坪 明光 明溪 明山 和平 "
    "和乐 和泰 桂林 桂阳 桂平 凤山 凤泉 凤阳 凤林 青山 青川 青浦 青阳 青湖 秀山 秀洲 玉山 玉林 玉泉 玉屏 "
    "玉溪 玉湖 玉华 松溪 松阳 松山 松江 松桥 枫溪 枫林 云溪 云林 云阳 云山 云浦 云安 白山 白塘 白泉 紫阳 "
    "紫泉 临平 临泉 临川 临湾 朝阳 春湾 鹤山 鹤塘 鹤坪 霞浦 霞山 竹山 竹溪 竹园 荷塘 翠屏 翠湖 梅溪 梅川 "
    "梅山 碧桥 锦屏 锦华 锦江 望江 望亭 燕山 棠湖 榕江 榕湾 "
)
"""Of places there are."""


def _sounds(text: str) -> list[Said]:
    return [Said(pair[0], pair[1:]) for pair in text.split()]


_THIRD = "庭ting 台tai 府fu 里li"


class Names:
    """Gives each name once, in an order of its own for each seed: pairs, and when these are used up, three characters.

    >>> names = Names(np.random.default_rng(1))
    >>> names.next() != names.next()
    True
    """

    def __init__(self, chance: np.random.Generator) -> None:
        pairs = [Said(a.zh + b.zh, (a.en + b.en).capitalize()) for a, b in product(*map(_sounds, (_FIRST, _SECOND)))]
        real = frozenset(_REAL.split())
        pairs = [pair for pair in pairs if pair.zh not in real]
        longer = [Said(a.zh + b.zh, a.en + b.en) for a, b in product(pairs, _sounds(_THIRD))]
        self._names: Iterator[Said] = chain(
            *(map(group.__getitem__, chance.permutation(len(group)).tolist()) for group in (pairs, longer))
        )

    def next(self) -> Said:
        """A name that was not given before."""
        return next(self._names)


def joined(name: Said, zh: str, en: str) -> Said:
    """A name and what it is the name of.

    >>> joined(Said("棠溪", "Tangxi"), "路", " Road")
    Said(zh='棠溪路', en='Tangxi Road')
    """
    return Said(name.zh + zh, name.en + en)
