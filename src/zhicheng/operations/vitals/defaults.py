"""Vital signs that every city has whose entities they are made of; applications bring those of their own subjects."""

from __future__ import annotations

from typing import Final

from zhicheng.compute.vital import Vital
from zhicheng.kernel.instants import HOUR
from zhicheng.standards.models.model import Label

AIR, NOISE, WATER, WEATHER, ROAD = (
    "AirQualityObserved", "NoiseLevelObserved", "WaterObserved", "WeatherObserved", "TrafficFlowObserved",
)  # fmt: skip

FEEDS, RATE = "feeds_current", "log_rate"
PLATFORM: Final = (
    Vital(FEEDS, Label("Feeds up to date", "数据源在线率"), "Feed", "told", unit="P1", bad="low", watch=99.9, alarm=80),
    Vital(RATE, Label("Changes a second", "每秒变更数"), "Feed", "told", bad="both"),
)
"""What the platform says of itself."""

DEFAULTS: Final = (
    Vital("air_quality", Label("Air quality index", "空气质量指数"), AIR, "mean", "airQualityIndex", bad="high",
          watch=101, alarm=151, fresh=3 * HOUR),
    Vital("pm25", Label("PM2.5", "PM2.5"), AIR, "mean", "pm25", unit="GQ", bad="high", watch=75, alarm=115,
          fresh=3 * HOUR),
    Vital("noise", Label("Noise", "环境噪声"), NOISE, "mean", "LAeq", unit="2N", bad="high", watch=68, alarm=75,
          fresh=HOUR),
    Vital("loud_places", Label("Loud places", "噪声超标点"), NOISE, "share", "LAeq", q="LAeq>70", unit="P1", bad="high",
          fresh=HOUR),
    Vital("river_level", Label("River level", "河流水位"), WATER, "mean", "waterLevel", unit="MTR", bad="high",
          fresh=3 * HOUR),
    Vital("temperature", Label("Temperature", "气温"), WEATHER, "mean", "temperature", unit="CEL", bad="both",
          fresh=3 * HOUR),
    Vital("rain", Label("Rain", "降水"), WEATHER, "percentile", "precipitation", unit="MMT", bad="high", watch=16,
          alarm=50, fresh=3 * HOUR, percentile=90, low=0, high=64),
    Vital("traffic_speed", Label("Traffic speed", "平均车速"), ROAD, "mean", "averageVehicleSpeed", unit="KMH",
          bad="low", fresh=HOUR),
)  # fmt: skip
"""PM2.5 and the index: the steps of HJ 633-2012; noise: by day beside main roads, GB 3096-2008 class 4a; rain: an hour
of it, by GB/T 28592-2012.
"""
