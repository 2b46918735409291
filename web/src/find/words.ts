import { sayer, type Text } from "../text/words";

const WORDS = {
  line: ["线路", "Lines"],
  stop: ["站点", "Stops"],
  place: ["地点", "Places"],
  thing: ["城市对象", "Things"],
  page: ["页面", "Pages"],
  document: ["文档", "Documents"],
  line_name: ["{name}路", "Line {name}"],
  searching: ["正在搜索…", "Searching…"],
  none: ["没有找到“{text}”", "Nothing found for “{text}”"],
  results: ["搜索结果", "Results"],
  count: ["{count} 条结果", "{count} results"],
} as const satisfies Record<string, Text>;

export const say = sayer(WORDS);
