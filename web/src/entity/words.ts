/** The texts of an object's panel. */
import { sayer, type Text } from "../text/words";

const WORDS = {
  entity: ["对象", "Object"],
  not_found: ["对象不存在，或已被删除", "The object does not exist, or was deleted"],
  not_then: ["该对象在此时刻尚不存在", "The object did not exist at this instant"],
  copy_id: ["复制编号", "Copy id"],
  copied: ["已复制", "Copied"],
  created: ["创建", "Created"],
  modified: ["更新", "Modified"],
  source: ["来源", "Source"],
  owner: ["责任部门", "Owner"],
  classification: ["密级", "Classification"],
  derived: ["推导自应用", "Derived by the application"],
  derived_short: ["应用 {name}", "application {name}"],
  reads: ["读取{type}：", "It reads {type}:"],
  items: ["{count} 项", "{count} entries"],
  observed: ["观测时间", "Observed"],
  dataset: ["数据集", "Dataset"],
  name: ["属性名", "Name"],
  no_attributes: ["该对象还没有属性", "This object has no attributes yet"],
  no_time: ["无观测时间", "no observation time"],
  no_source: ["来源未知", "unknown source"],
  details: ["{name}：历史与详情", "{name}: history and details"],
  history: ["历史", "History"],
  range: ["时间范围", "Time range"],
  range_1h: ["1 小时", "1 h"],
  range_24h: ["24 小时", "24 h"],
  range_7d: ["7 天", "7 d"],
  range_all: ["全部", "All"],
  history_none: ["该时段没有记录", "No records in this period"],
  mean: ["均值", "Mean"],
  least: ["最小", "Min"],
  greatest: ["最大", "Max"],
  value: ["数值", "Value"],
  time: ["时间", "Time"],
  aggregated: ["已按时段汇总：线为均值，带为最小至最大", "Aggregated: the line is the mean, the band from min to max"],
  chart_summary: ["{name}：{count} 个点，最小 {least}，最大 {greatest}", "{name}: {count} points, min {least}, max {greatest}"],
} as const satisfies Record<string, Text>;

export type Word = keyof typeof WORDS;

export const say = sayer(WORDS);
