/** The texts of one object. */
import { sayer, type Text } from "../../text/words";

const WORDS = {
  title: ["全息档案", "One object, all departments"],
  records: ["记录", "Records"],
  this_record: ["当前记录", "this record"],
  linked_record: ["关联记录", "linked record"],
  says: ["{count} 项", "{count} values"],
  no_department: ["未标明部门", "No department named"],
  differs: ["各部门说法不一", "departments differ"],
  stale: ["过期", "out of date"],
  attribute: ["属性", "Attribute"],
  value: ["值", "Value"],
  age: ["时间", "Age"],
  source: ["来源", "Source"],
  history: ["历史", "History"],
  links: ["它指向", "It points to"],
  referring: ["指向它的", "What points to it"],
  within: ["范围之内", "Within it"],
  around: ["周边 {metres} 米", "Within {metres} m of it"],
  not_here: ["此处没有该实体", "not here"],
  by: ["经由 {name}", "by {name}"],
  all: ["全部 {count} 个", "All {count}"],
  departments_count: ["{count} 个部门", "{count} departments"],
  records_count: ["{count} 条记录", "{count} records"],
  on_map: ["在地图上查看", "See on the map"],
  type_page: ["查看此类数据", "See this type of data"],
  index_page: ["碎片化指数", "Fragmentation index"],
  nothing: ["没有", "Nothing"],
} as const satisfies Record<string, Text>;

export const say = sayer(WORDS);
