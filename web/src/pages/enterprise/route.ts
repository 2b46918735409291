import type { Page } from "../../pages";

export default {
  path: "/enterprise",
  title: ["企业", "Enterprises"],
  order: 28,
  load: () => import("./index.vue"),
} satisfies Page;
