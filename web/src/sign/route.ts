import type { Page } from "../pages";

export default {
  path: "/sign/:stop",
  title: ["电子站牌", "Stop sign"],
  bare: true,
  load: () => import("./index.vue"),
} satisfies Page;
