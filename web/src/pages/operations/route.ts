import type { Page } from "../../pages";

export default {
  path: "/operations",
  title: ["运行监测", "Operations"],
  order: 5,
  load: () => import("./index.vue"),
} satisfies Page;
