/** The words of the log of acts. */
import { sayer, type Text } from "../../text/words";

export const WORDS = {
  title: ["审计日志", "The log of acts"],
  lead: ["每一次登录、管理操作、导出、拒绝和受保护数据的读取；只增不改，可独立校验", "Every sign-in, administrative act, export, refusal and reading of what is protected; never changed, and to be checked by anyone"],
  principal: ["主体", "Who"],
  action: ["操作", "What"],
  kind: ["类别", "Kind"],
  outcome: ["结果", "Outcome"],
  resource: ["对象", "On what"],
  from: ["起始时间", "From"],
  to: ["结束时间", "To"],
  at: ["时间", "When"],
  network: ["网络地址", "Network"],
  why: ["依据", "Why"],
  any: ["全部", "Any"],
  search: ["查询", "Search"],
  more: ["更多", "More"],
  none: ["没有符合条件的记录", "No entry is like that"],
  export: ["导出", "Export"],
  check: ["校验", "Check"],
  right: ["已校验：记录在已签名的日志中（{size} 条，{at}）", "Checked: it is in the signed log of {size} entries ({at})"],
  unsigned: ["记录在日志中（{size} 条）；本浏览器不能校验签名", "It is in the log of {size} entries; this browser cannot check the signature"],
  wrong: ["校验失败：日志与签名不符", "This is wrong: the log is not what was signed"],
  head: ["树头：{size} 条记录，签名于 {at}；公钥 {public}", "Head: {size} entries, signed {at}; public key {public}"],
  whole: ["校验整个日志：zhicheng audit verify，或用独立校验程序。", "The whole log is checked by zhicheng audit verify, or by the stand-alone verifier."],
  "kind_sign-in": ["登录", "Sign-in"],
  kind_decision: ["决定", "Decision"],
  kind_administration: ["管理操作", "Administration"],
  kind_export: ["导出", "Export"],
  kind_refusal: ["拒绝", "Refusal"],
  kind_key: ["密钥", "Key"],
  outcome_allowed: ["允许", "Allowed"],
  outcome_denied: ["拒绝", "Denied"],
  outcome_failed: ["失败", "Failed"],
} as const satisfies Record<string, Text>;

export const KINDS = ["sign-in", "decision", "administration", "export", "refusal", "key"] as const;
export const OUTCOMES = ["allowed", "denied", "failed"] as const;
export const say = sayer(WORDS);
