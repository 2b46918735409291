/** Whether this machine draws fast enough for markers to glide. Where it does not, they jump: what is new is seen sooner. */

/** A frame that takes longer is no motion to an eye. */
const FRAME_MS = 100;
const SLOW_FRAMES = 3;
/** After so long it is tried again. */
const REST_MS = 30_000;

export const pace = { slow: false };
let before: number | null = null;
let slowFrames = 0;

/** A frame was drawn at `now` (ms of the page's clock); `more`: another is to follow at once, for something glides. */
export function glided(more: boolean, now: number): void {
  if (before !== null) slowFrames = now - before > FRAME_MS ? slowFrames + 1 : 0;
  before = more ? now : null;
  if (slowFrames < SLOW_FRAMES || pace.slow) return;
  pace.slow = true;
  before = null;
  setTimeout(() => {
    slowFrames = 0;
    pace.slow = false;
  }, REST_MS);
}
