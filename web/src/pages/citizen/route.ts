import type { Page } from "../../pages";

export default {
  path: "/citizen",
  title: ["市民", "Citizens"],
  order: 24,
  load: () => import("./index.vue"),
} satisfies Page;
