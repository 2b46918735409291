import type { Page } from "../../pages";

export default {
  path: "/",
  title: ["首页", "Home"],
  open: true,
  load: () => import("./index.vue"),
} satisfies Page;
