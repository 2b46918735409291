/** Several questions that hang together, asked again and again while the page is seen; the last answer stays. */
import { onBeforeUnmount, onMounted, ref, shallowRef, watch, type WatchSource } from "vue";
import { preferences } from "../../preferences";
import { refused } from "../../session";

export function again<Answer>(run: (signal: AbortSignal) => Promise<Answer>, on: WatchSource, every: number) {
  const data = shallowRef<Answer | null>(null);
  const error = ref<unknown>(null);
  let timer = 0;
  let asking: AbortController | null = null;

  async function ask(): Promise<void> {
    asking?.abort();
    clearTimeout(timer);
    const own = (asking = new AbortController());
    try {
      const answer = await run(own.signal);
      if (own.signal.aborted) return;
      data.value = answer;
      error.value = null;
    } catch (problem) {
      if (own.signal.aborted) return;
      if (!refused(problem)) error.value = problem;
    }
    timer = window.setTimeout(tick, every);
  }

  function tick(): void {
    if (document.hidden) timer = window.setTimeout(tick, every);
    else void ask();
  }

  onMounted(ask);
  watch([on, () => preferences.language], () => void ask());
  onBeforeUnmount(() => {
    asking?.abort();
    clearTimeout(timer);
  });
  return { data, error };
}
