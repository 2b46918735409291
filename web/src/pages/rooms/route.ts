import type { Page } from "../../pages";

export default {
  path: "/rooms",
  title: ["研讨", "Decide together"],
  order: 20,
  load: () => import("./index.vue"),
} satisfies Page;
