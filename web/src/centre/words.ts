/** Texts that the pages of the information-resource centre share. */
import { sayer, type Text } from "../text/words";

const WORDS = {
  catalogue: ["资源目录", "Catalogue"],
  fragmentation: ["碎片化指数", "Fragmentation"],
  sql: ["SQL 查询", "SQL"],
  sections: ["信息资源中心的栏目", "Sections of the centre"],
  per_minute: ["次/分", "/min"],
  no_department: ["未标明部门", "no department named"],
  copied: ["已复制", "Copied"],
  copy: ["复制", "Copy"],
  state_ok: ["正常", "in order"],
  state_attention: ["需关注", "needs attention"],
  state_fault: ["故障", "fault"],
  state_idle: ["未运行", "idle"],
  state_starting: ["启动中", "starting"],
  state_late: ["延迟", "late"],
  state_stale: ["数据陈旧", "out of date"],
  state_failed: ["故障", "failed"],
  state_ended: ["已结束", "ended"],
  hours_of_day: ["最近 24 小时，每小时变更：{counts}", "Changes by hour, last 24 hours: {counts}"],
  share: ["{percent}", "{percent}"],
  previous: ["上一页", "Previous"],
  next: ["下一页", "Next"],
  page_of: ["第 {from}–{to} 条，共 {total} 条", "{from}–{to} of {total}"],
  none: ["没有内容", "Nothing here"],
  source_feed: ["数据源", "feed"],
  source_app: ["应用", "application"],
  source_interface: ["接口", "interface"],
} as const satisfies Record<string, Text>;

export type CentreWord = keyof typeof WORDS;
export const sayCentre = sayer(WORDS);
