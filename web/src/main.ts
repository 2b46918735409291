import { createApp } from "vue";
import App from "./App.vue";
import { watchCity } from "./city";
import "./tokens.css";
import "./page.css";

createApp(App).mount("#app");
void watchCity();
