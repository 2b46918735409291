/** The texts of the SQL console. */
import { sayer, type Text } from "../../text/words";

const WORDS = {
  title: ["SQL 查询", "SQL"],
  lead: ["只读；表 entities 为现值，history 为变更日志。", "Read-only; entities is what holds now, history the log of changes."],
  guide: ["说明", "Guide"],
  statement: ["SELECT 语句", "SELECT statement"],
  run: ["运行", "Run"],
  cancel: ["取消", "Cancel"],
  keys: ["Ctrl + Enter 运行", "Ctrl + Enter runs"],
  examples: ["示例", "Examples"],
  tables: ["表与列", "Tables and columns"],
  rows: ["{count} 行", "{count} rows"],
  truncated: ["只取前 {count} 行", "only the first {count} rows"],
  seconds: ["{seconds} 秒", "{seconds} s"],
  running: ["正在查询… {seconds} 秒", "Running… {seconds} s"],
  cancelled: ["查询已取消", "The query was cancelled"],
  table: ["表格", "Table"],
  chart: ["图表", "Chart"],
  line: ["折线", "Lines"],
  bar: ["柱形", "Bars"],
  scatter: ["散点", "Points"],
  across: ["横轴", "Across"],
  up: ["纵轴", "Up"],
  split: ["分组", "Split by"],
  not_split: ["不分组", "Not split"],
  download: ["下载", "Download"],
  shown: ["表格显示前 {count} 行", "The table shows the first {count} rows"],
  no_numbers: ["结果中没有数值列，无法绘图", "The answer has no numbers to draw"],
  nothing_yet: ["输入语句并运行，或选择一个示例。", "Write a statement and run it, or choose an example."],
  insert: ["插入 {name}", "Insert {name}"],
  up_to: ["最多 {count} 行", "At most {count} rows"],
  most_rows: ["最多行数", "At most so many rows"],
} as const satisfies Record<string, Text>;

export const say = sayer(WORDS);
