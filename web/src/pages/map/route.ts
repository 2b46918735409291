import type { Page } from "../../pages";

export default {
  path: "/map",
  title: ["城市运行图", "City operations map"],
  order: 10,
  load: () => import("./index.vue"),
} satisfies Page;
