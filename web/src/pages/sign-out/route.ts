import type { Page } from "../../pages";

export default {
  path: "/sign-out",
  title: ["退出登录", "Sign out"],
  load: () => import("./index.vue"),
  open: true,
} satisfies Page;
