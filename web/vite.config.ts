import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

// The server gives the built files under /static and index.html at /map.
export default defineConfig({
  base: "/static/",
  plugins: [vue({ features: { optionsAPI: false } })],
  build: {
    outDir: "../src/zhicheng/server/portals/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1400,
    // nothing is inlined as a data: address, so that a strict content security policy holds
    assetsInlineLimit: 0,
    // the terms of what is bundled travel with it
    license: { fileName: "licenses.md" },
  },
  server: {
    proxy: Object.fromEntries(["/api", "/tiles"].map((path) => [path, "http://127.0.0.1:8800"])),
  },
});
