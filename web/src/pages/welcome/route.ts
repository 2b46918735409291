import type { Page } from "../../pages";

export default {
  path: "/welcome",
  title: ["欢迎", "Welcome"],
  load: () => import("./index.vue"),
  open: true,
} satisfies Page;
