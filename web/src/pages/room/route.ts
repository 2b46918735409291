import type { Page } from "../../pages";

export default {
  path: "/rooms/:key",
  title: ["研讨室", "Decision room"],
  load: () => import("./index.vue"),
} satisfies Page;
