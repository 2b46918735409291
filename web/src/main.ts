import { createApp } from "vue";
import App from "./App.vue";
import { router } from "./pages";
import { watchSession } from "./session";
import "./tokens.css";
import "./base.css";

createApp(App).use(router).mount("#app");
void watchSession();
