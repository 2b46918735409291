import type { Page } from "../../pages";

export default {
  path: "/sql",
  title: ["SQL 查询", "SQL"],
  load: () => import("./index.vue"),
} satisfies Page;
