import type { Page } from "../../pages";

export default {
  path: "/consent",
  title: ["授权", "Authorise"],
  load: () => import("./index.vue"),
  open: true,
} satisfies Page;
