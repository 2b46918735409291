import type { Page } from "../../pages";

export default {
  path: "/rooms/:key/record",
  title: ["研讨记录", "Record of a room"],
  load: () => import("./index.vue"),
} satisfies Page;
