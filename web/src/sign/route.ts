import type { Page } from "../pages";
import { takeToken } from "./token";

// before anything is asked
takeToken();

export default {
  path: "/sign/:stop",
  title: ["电子站牌", "Stop sign"],
  bare: true,
  load: () => import("./index.vue"),
} satisfies Page;
