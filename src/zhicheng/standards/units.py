"""Units of measure by their UN/CEFACT common code (Recommendation 20): symbol, names, quantity, factor to SI.

`unitCode` on an attribute is such a code. Values of one quantity convert into each other by
`si = value * factor + offset`; what has no such law (decibels, pH) has factor 1 and a quantity of its own.
Codes, symbols and factors after UNECE Recommendation 20; factors exact where it rounds them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from zhicheng.kernel.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zhicheng.kernel.columns import F8
    from zhicheng.kernel.errors import Language


class Unit(NamedTuple):
    """One unit: `si = value * factor + offset` in the SI unit of its quantity."""

    code: str
    symbol: str
    en: str
    zh: str
    quantity: str
    factor: float
    offset: float = 0.0

    def name(self, language: Language) -> str:
        """The unit's name in the asked language."""
        return self.zh if language == "zh" else self.en


_ALL = (
    Unit("C62", "", "one", "无量纲", "fraction", 1),
    Unit("IE", "", "person", "人", "count", 1),
    Unit("H87", "", "piece", "件", "count", 1),
    Unit("P1", "%", "percent", "百分比", "fraction", 0.01),
    Unit("59", "ppm", "part per million", "百万分率", "fraction", 1e-6),
    Unit("61", "ppb", "part per billion", "十亿分率", "fraction", 1e-9),
    Unit("KEL", "K", "kelvin", "开尔文", "temperature", 1),
    Unit("CEL", "°C", "degree Celsius", "摄氏度", "temperature", 1, 273.15),
    Unit("FAH", "°F", "degree Fahrenheit", "华氏度", "temperature", 5 / 9, 459.67 * 5 / 9),
    Unit("MTR", "m", "metre", "米", "length", 1),
    Unit("KMT", "km", "kilometre", "千米", "length", 1e3),
    Unit("CMT", "cm", "centimetre", "厘米", "length", 1e-2),
    Unit("MMT", "mm", "millimetre", "毫米", "length", 1e-3),
    Unit("4H", "µm", "micrometre", "微米", "length", 1e-6),
    Unit("INH", "in", "inch", "英寸", "length", 0.0254),
    Unit("FOT", "ft", "foot", "英尺", "length", 0.3048),
    Unit("YRD", "yd", "yard", "码", "length", 0.9144),
    Unit("SMI", "mile", "mile", "英里", "length", 1609.344),
    Unit("MTK", "m²", "square metre", "平方米", "area", 1),
    Unit("KMK", "km²", "square kilometre", "平方千米", "area", 1e6),
    Unit("H18", "hm²", "square hectometre (hectare)", "公顷", "area", 1e4),
    Unit("MTQ", "m³", "cubic metre", "立方米", "volume", 1),
    Unit("LTR", "l", "litre", "升", "volume", 1e-3),
    Unit("MLT", "ml", "millilitre", "毫升", "volume", 1e-6),
    Unit("SEC", "s", "second", "秒", "time", 1),
    Unit("C26", "ms", "millisecond", "毫秒", "time", 1e-3),
    Unit("MIN", "min", "minute", "分钟", "time", 60),
    Unit("HUR", "h", "hour", "小时", "time", 3600),
    Unit("DAY", "d", "day", "天", "time", 86400),
    Unit("WEE", "wk", "week", "周", "time", 604800),
    Unit("MTS", "m/s", "metre per second", "米每秒", "speed", 1),
    Unit("KMH", "km/h", "kilometre per hour", "千米每小时", "speed", 1 / 3.6),
    Unit("HM", "mile/h", "mile per hour", "英里每小时", "speed", 0.44704),
    Unit("KNT", "kn", "knot", "节", "speed", 1852 / 3600),
    Unit("H67", "mm/h", "millimetre per hour", "毫米每小时", "speed", 1e-3 / 3600),
    Unit("H81", "mm/min", "millimetre per minute", "毫米每分钟", "speed", 1e-3 / 60),
    Unit("MSK", "m/s²", "metre per second squared", "米每二次方秒", "acceleration", 1),
    Unit("KGM", "kg", "kilogram", "千克", "mass", 1),
    Unit("GRM", "g", "gram", "克", "mass", 1e-3),
    Unit("MGM", "mg", "milligram", "毫克", "mass", 1e-6),
    Unit("MC", "µg", "microgram", "微克", "mass", 1e-9),
    Unit("TNE", "t", "tonne", "吨", "mass", 1e3),
    Unit("GP", "mg/m³", "milligram per cubic metre", "毫克每立方米", "density", 1e-6),
    Unit("GQ", "µg/m³", "microgram per cubic metre", "微克每立方米", "density", 1e-9),
    Unit("M1", "mg/l", "milligram per litre", "毫克每升", "density", 1e-3),
    Unit("PAL", "Pa", "pascal", "帕斯卡", "pressure", 1),
    Unit("A97", "hPa", "hectopascal", "百帕", "pressure", 1e2),
    Unit("MBR", "mbar", "millibar", "毫巴", "pressure", 1e2),
    Unit("KPA", "kPa", "kilopascal", "千帕", "pressure", 1e3),
    Unit("BAR", "bar", "bar", "巴", "pressure", 1e5),
    Unit("MQS", "m³/s", "cubic metre per second", "立方米每秒", "flow", 1),
    Unit("MQH", "m³/h", "cubic metre per hour", "立方米每小时", "flow", 1 / 3600),
    Unit("G51", "l/s", "litre per second", "升每秒", "flow", 1e-3),
    Unit("L2", "l/min", "litre per minute", "升每分钟", "flow", 1e-3 / 60),
    Unit("E32", "l/h", "litre per hour", "升每小时", "flow", 1e-3 / 3600),
    Unit("DD", "°", "degree", "度", "angle", 0.017453292519943295),
    Unit("C81", "rad", "radian", "弧度", "angle", 1),
    Unit("VLT", "V", "volt", "伏特", "voltage", 1),
    Unit("2Z", "mV", "millivolt", "毫伏", "voltage", 1e-3),
    Unit("KVT", "kV", "kilovolt", "千伏", "voltage", 1e3),
    Unit("AMP", "A", "ampere", "安培", "current", 1),
    Unit("4K", "mA", "milliampere", "毫安", "current", 1e-3),
    Unit("WTT", "W", "watt", "瓦", "power", 1),
    Unit("KWT", "kW", "kilowatt", "千瓦", "power", 1e3),
    Unit("MAW", "MW", "megawatt", "兆瓦", "power", 1e6),
    Unit("JOU", "J", "joule", "焦耳", "energy", 1),
    Unit("GV", "GJ", "gigajoule", "吉焦", "energy", 1e9),
    Unit("WHR", "W·h", "watt hour", "瓦时", "energy", 3600),
    Unit("KWH", "kW·h", "kilowatt hour", "千瓦时", "energy", 3.6e6),
    Unit("MWH", "MW·h", "megawatt hour", "兆瓦时", "energy", 3.6e9),
    Unit("HTZ", "Hz", "hertz", "赫兹", "frequency", 1),
    Unit("KHZ", "kHz", "kilohertz", "千赫", "frequency", 1e3),
    Unit("MHZ", "MHz", "megahertz", "兆赫", "frequency", 1e6),
    Unit("A86", "GHz", "gigahertz", "吉赫", "frequency", 1e9),
    Unit("LUX", "lx", "lux", "勒克斯", "illuminance", 1),
    Unit("LUM", "lm", "lumen", "流明", "luminous flux", 1),
    Unit("D54", "W/m²", "watt per square metre", "瓦每平方米", "irradiance", 1),
    Unit("G42", "µS/cm", "microsiemens per centimetre", "微西门子每厘米", "conductivity", 1e-4),
    Unit("AD", "byte", "byte", "字节", "information", 8),
    Unit("4L", "Mbyte", "megabyte", "兆字节", "information", 8e6),
    Unit("E34", "Gbyte", "gigabyte", "吉字节", "information", 8e9),
    Unit("B10", "bit/s", "bit per second", "比特每秒", "data rate", 1),
    Unit("C74", "kbit/s", "kilobit per second", "千比特每秒", "data rate", 1e3),
    Unit("E20", "Mbit/s", "megabit per second", "兆比特每秒", "data rate", 1e6),
    Unit("B80", "Gbit/s", "gigabit per second", "吉比特每秒", "data rate", 1e9),
    Unit("2N", "dB", "decibel", "分贝", "level", 1),
    Unit("DBM", "dBm", "decibel-milliwatts", "分贝毫瓦", "power level", 1),
    Unit("Q30", "pH", "pH", "酸碱度", "acidity", 1),
    Unit("NTU", "NTU", "nephelometric turbidity unit", "散射浊度单位", "turbidity", 1),
)

UNITS: Mapping[str, Unit] = MappingProxyType({unit.code: unit for unit in _ALL})
"""Code -> unit, for every unit the platform can name and convert."""


def unit(code: str) -> Unit:
    """The unit of a code; Invalid for one that is not in the table.

    >>> unit("KMH").symbol, unit("KMH").zh
    ('km/h', '千米每小时')
    """
    found = UNITS.get(code)
    if found is None:
        raise Invalid(
            f"{code!r} is not a UN/CEFACT unit code known here, such as CEL or KMH",
            f"{code!r} 不是本平台已知的 UN/CEFACT 单位代码，例如 CEL 或 KMH",
            code=code,
        )
    return found


def comparable(source: str, target: str) -> bool:
    """Whether values in `source` convert to `target`; unknown codes only to themselves.

    >>> comparable("FAH", "CEL"), comparable("KMH", "CEL"), comparable("XYZ", "XYZ")
    (True, False, True)
    """
    if source == target:
        return True
    one, other = UNITS.get(source), UNITS.get(target)
    return one is not None and other is not None and one.quantity == other.quantity


def conversion(source: str, target: str) -> tuple[float, float]:
    """(factor, offset) with `target = source * factor + offset`; Invalid if the quantities differ.

    >>> conversion("KMT", "MTR")
    (1000.0, 0.0)
    """
    if source == target:
        return 1.0, 0.0
    one, other = unit(source), unit(target)
    if one.quantity != other.quantity:
        raise Invalid(
            f"{source} ({one.quantity}) cannot be converted to {target} ({other.quantity})",
            f"{source}（{one.zh}）不能换算为 {target}（{other.zh}）",
            source=source,
            target=target,
        )
    return one.factor / other.factor, (one.offset - other.offset) / other.factor


def convert(value: float, source: str, target: str) -> float:
    """A value in another unit of the same quantity.

    >>> round(convert(68, "FAH", "CEL"), 9)
    20.0
    >>> round(convert(10, "MTS", "KMH"), 9)
    36.0
    """
    factor, offset = conversion(source, target)
    return value * factor + offset


def convert_column(values: F8, source: str, target: str) -> F8:
    """A column of values in another unit of the same quantity."""
    factor, offset = conversion(source, target)
    return values * factor + offset
