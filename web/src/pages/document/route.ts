import type { Page } from "../../pages";

export default {
  path: "/docs/:name",
  title: ["文档", "Document"],
  load: () => import("./index.vue"),
} satisfies Page;
