/** Ask again and again while the page is seen; what came last stays when an answer fails. */
import { onBeforeUnmount, onMounted, ref, shallowRef, watch, type Ref, type WatchSource } from "vue";
import { get } from "../api";
import { preferences } from "../preferences";
import { refused } from "../session";

export interface Polled<Answer> {
  data: Readonly<Ref<Answer | null>>;
  error: Readonly<Ref<unknown>>;
  again: () => void;
}

/** `query` may be reactive; a change asks at once. every: milliseconds, 0 for once. */
export function polled<Answer>(address: () => string, query: () => Record<string, string>, every: number, on?: WatchSource): Polled<Answer> {
  const data = shallowRef<Answer | null>(null);
  const error = ref<unknown>(null);
  let timer = 0;
  let asking: AbortController | null = null;

  async function ask(): Promise<void> {
    asking?.abort();
    const own = (asking = new AbortController());
    clearTimeout(timer);
    try {
      const answer = await get<Answer>(address(), { ...query(), lang: preferences.language }, own.signal);
      if (own.signal.aborted) return;
      data.value = answer;
      error.value = null;
    } catch (problem) {
      if (own.signal.aborted) return;
      if (!refused(problem)) error.value = problem;
    }
    if (every) timer = window.setTimeout(tick, every);
  }

  function tick(): void {
    if (document.hidden) timer = window.setTimeout(tick, every);
    else void ask();
  }

  onMounted(ask);
  watch([() => preferences.language, () => preferences.token, address, () => JSON.stringify(query()), ...(on ? [on] : [])], () => void ask());
  onBeforeUnmount(() => {
    asking?.abort();
    clearTimeout(timer);
  });
  return { data, error, again: () => void ask() };
}
