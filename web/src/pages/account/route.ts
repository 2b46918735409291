import type { Page } from "../../pages";

export default {
  path: "/account",
  title: ["我的账号", "My account"],
  load: () => import("./index.vue"),
} satisfies Page;
