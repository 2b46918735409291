/** The texts of the map. */
import { sayer, type Text } from "../../text/words";

const WORDS = {
  title: ["城市运行图", "City operations map"],
  search: ["搜索名称或编号", "Search by name or id"],
  search_none: ["没有找到“{text}”", "Nothing found for “{text}”"],
  search_results: ["搜索结果", "Search results"],
  searching: ["正在搜索…", "Searching…"],
  here: ["此处有 {count} 个对象", "{count} objects here"],
  layers: ["图层", "Layers"],
  show_layer: ["显示{name}", "Show {name}"],
  zoom_to: ["缩放到{name}的范围", "Zoom to all of {name}"],
  zoom_all: ["缩放到全部", "Zoom to everything"],
  zoom_in: ["放大", "Zoom in"],
  zoom_out: ["缩小", "Zoom out"],
  located: ["{located} / {count} 有位置", "{located} of {count} located"],
  no_place: ["无位置", "no location"],
  legend: ["图例", "Legend"],
  legend_live: ["实测位置", "Measured position"],
  legend_estimated: ["推算位置", "Estimated position"],
  legend_stale: ["数据过期", "Out of date"],
  map: ["地图", "Map"],
  tiles_failed: ["部分图层加载失败", "Some map layers could not be loaded"],
  webgl_failed: ["浏览器无法显示地图（需要 WebGL 2）", "This browser cannot draw the map (WebGL 2 is needed)"],
  empty_title: ["还没有数据", "No data yet"],
  empty_text: ["导入一个文件，或接入一个实时数据源：", "Import a file, or connect a live feed:"],
  empty_import: ["导入 CSV、XLSX、Parquet、GeoJSON 或 NGSI-LD 文件", "Import a CSV, XLSX, Parquet, GeoJSON or NGSI-LD file"],
  empty_run: ["按城市配置接入数据源", "Run a city with its feeds"],
  empty_wait: ["数据到达后，本页会自动显示。", "This page shows the data as soon as it arrives."],
  expand: ["展开面板", "Expand the panel"],
  collapse: ["收起面板", "Collapse the panel"],
} as const satisfies Record<string, Text>;

export const say = sayer(WORDS);
