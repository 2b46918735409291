import type { Page } from "../../pages";

export default {
  path: "/object/:id",
  title: ["全息档案", "One object, all departments"],
  load: () => import("./index.vue"),
} satisfies Page;
