/** The texts of a list of entities. */
import { sayer, type Text } from "../../text/words";

const WORDS = {
  title: ["数字背后的实体", "The entities behind a number"],
  all: ["全部实体", "All entities"],
  type: ["类型：{value}", "Type: {value}"],
  attribute: ["有属性：{value}", "With attribute: {value}"],
  missing: ["缺少属性：{value}", "Without attribute: {value}"],
  owner: ["归属部门：{value}", "Department: {value}"],
  source: ["来源：{value}", "Source: {value}"],
  classification: ["密级：{value}", "Class: {value}"],
  quality: ["质量标记：{value}", "Quality flag: {value}"],
  located: ["有位置：{value}", "With a place: {value}"],
  metres: ["范围：{value} 米", "Within {value} m"],
  nothing_said: ["未标明", "not said"],
  address: ["同一查询的接口", "The same question as an interface"],
} as const satisfies Record<string, Text>;

export type ListWord = keyof typeof WORDS;
export const say = sayer(WORDS);
