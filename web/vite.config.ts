import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

// The server gives the built files under /static and index.html at the paths of its table of pages.
export default defineConfig({
  base: "/static/",
  plugins: [vue({ features: { optionsAPI: false } })],
  build: {
    outDir: "../src/zhicheng/server/portals/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1400,
    // the large libraries by themselves, so that no page loads one for what lies beside it
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "maplibre", test: /node_modules[\\/]maplibre-gl/ },
            { name: "vue", test: /node_modules[\\/](@vue|vue|vue-router)[\\/]/ },
          ],
        },
      },
    },
    // nothing is inlined as a data: address, so that a strict content security policy holds
    assetsInlineLimit: 0,
    // the terms of what is bundled travel with it
    // which files a page loads, for the tests
    manifest: "manifest.json",
    license: { fileName: "licenses.md" },
  },
  server: {
    proxy: Object.fromEntries(["/api", "/tiles", "/basemap"].map((path) => [path, { target: "http://127.0.0.1:8800", ws: true }])),
  },
});
