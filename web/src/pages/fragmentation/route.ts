import type { Page } from "../../pages";

export default {
  path: "/fragmentation",
  title: ["信息碎片化指数", "Fragmentation index"],
  load: () => import("./index.vue"),
} satisfies Page;
