import type { Page } from "../../pages";

export default {
  path: "/sign-in",
  title: ["登录", "Sign in"],
  load: () => import("./index.vue"),
  open: true,
} satisfies Page;
