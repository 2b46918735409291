import type { Page } from "../../pages";

export default {
  path: "/reference",
  title: ["参考模型", "Reference model"],
  order: 40,
  load: () => import("./index.vue"),
} satisfies Page;
