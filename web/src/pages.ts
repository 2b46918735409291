/** The pages: each is a folder of its own with a route.ts, found here and loaded when it is first opened. */
import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";
import type { Component } from "vue";
import type { Text } from "./text/words";

/** What a route.ts exports as its default. The server's table of pages (portals/pages.py) has a row for each path. */
export interface Page {
  /** As vue-router writes it: /sign/:stop */
  path: string;
  title: Text;
  load: () => Promise<{ default: Component }>;
  /** Its place in the menu; without one it is reached by links alone. */
  order?: number;
  /** It fills the screen by itself, without the shell's bar. */
  bare?: boolean;
  /** It is for everyone, also before signing in. */
  open?: boolean;
}

declare module "vue-router" {
  interface RouteMeta {
    title: Text;
    bare: boolean;
    open?: boolean;
  }
}

const found = import.meta.glob<Page>(["./pages/*/route.ts", "./sign/route.ts"], { eager: true, import: "default" });

export const pages: Page[] = Object.values(found);
export const menu = pages.filter((page) => page.order !== undefined).sort((a, b) => (a.order ?? 0) - (b.order ?? 0));

const records: RouteRecordRaw[] = pages.map(({ path, title, load, bare, open }) => ({
  path,
  component: load,
  meta: { title, bare: bare ?? false, open: open ?? false },
}));

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    ...records,
    {
      path: "/:rest(.*)*",
      component: () => import("./shell/NoPage.vue"),
      meta: { title: ["没有该页面", "No such page"], bare: false },
    },
  ],
});
