import type { Page } from "../../pages";

export default {
  path: "/resources/:type",
  title: ["数据类型", "Type of data"],
  load: () => import("./index.vue"),
} satisfies Page;
