import type { Page } from "../../pages";

export default {
  path: "/docs",
  title: ["文档", "Documents"],
  order: 60,
  load: () => import("./index.vue"),
} satisfies Page;
