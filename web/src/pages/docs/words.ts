/** The texts of the documents. */
import { sayer, type Text } from "../../text/words";

const WORDS = {
  title: ["文档", "Documents"],
  lead: ["随本版本安装的全部文档，离线可读。", "All documents of this version, readable without a network."],
  contents: ["目录", "Contents"],
  on_page: ["本页内容", "On this page"],
  source: ["源文件", "Source"],
  decisions: ["设计决定", "Decisions"],
  apps: ["应用", "Applications"],
  main: ["说明", "Documents"],
} as const satisfies Record<string, Text>;

export const say = sayer(WORDS);
