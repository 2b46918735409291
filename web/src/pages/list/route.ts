import type { Page } from "../../pages";

export default {
  path: "/resources/list",
  title: ["实体列表", "List of entities"],
  load: () => import("./index.vue"),
} satisfies Page;
