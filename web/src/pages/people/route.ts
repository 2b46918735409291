import type { Page } from "../../pages";

export default {
  path: "/people",
  title: ["账号管理", "Accounts"],
  load: () => import("./index.vue"),
} satisfies Page;
