import type { Page } from "../../pages";

export default {
  path: "/wall",
  title: ["运行监测大屏", "Operations wall"],
  bare: true,
  load: () => import("./index.vue"),
} satisfies Page;
