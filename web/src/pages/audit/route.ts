import type { Page } from "../../pages";

export default {
  path: "/audit",
  title: ["审计日志", "The log of acts"],
  load: () => import("./index.vue"),
} satisfies Page;
