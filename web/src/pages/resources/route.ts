import type { Page } from "../../pages";

export default {
  path: "/resources",
  title: ["信息资源中心", "Information centre"],
  order: 20,
  load: () => import("./index.vue"),
} satisfies Page;
