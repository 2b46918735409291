/** Draws thousands of markers on a canvas of its own over the map: they move without the map being drawn anew.
 *
 * A marker's way is given to the graphics card once for each report; a frame of gliding costs one call.
 * Why not a source of MapLibre's: docs/adr/0013-markers-on-their-own-canvas.md.
 */

/** For each vertex: from x, y, to x, y (Mercator less the origin), since, lasts (ms of the page's clock less the epoch). */
const FLOATS = 6;
/** red, green, blue, shape; radius in quarters of a pixel, three spare */
const BYTES = 8;
const STRIDE = FLOATS * 4 + BYTES;

export const SHAPE = { filled: 0, hollow: 1, halo: 2, heat: 3 } as const;

export interface Dot {
  x: number;
  y: number;
  fromX: number;
  fromY: number;
  since: number;
  lasts: number;
  color: readonly [number, number, number];
  shape: number;
  radius: number;
}

export interface Camera {
  /** Centre in Mercator's unit square, and how many CSS pixels that square is wide. */
  x: number;
  y: number;
  world: number;
  width: number;
  height: number;
  /** How many times as large as their radius markers are at this zoom. */
  grow: number;
}

const VERTEX = `#version 300 es
layout(location = 0) in vec4 way;
layout(location = 1) in vec2 time;
layout(location = 2) in vec4 look;
layout(location = 3) in float radius;
uniform vec2 centre;
uniform vec2 scale;
uniform float now;
uniform float ratio;
uniform float grow;
out vec3 color;
flat out float shape;
flat out float size;
void main() {
  float part = time.y > 0.0 ? clamp((now - time.x) / time.y, 0.0, 1.0) : 1.0;
  vec2 place = mix(way.xy, way.zw, part * (2.0 - part));
  gl_Position = vec4((place - centre) * scale, 0.0, 1.0);
  size = (radius * 255.0 / 4.0 * grow + 1.5) * 2.0 * ratio;
  gl_PointSize = size;
  color = look.rgb;
  shape = look.a * 255.0;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec3 color;
flat in float shape;
flat in float size;
uniform vec3 edge;
uniform float ratio;
out vec4 pixel;
void main() {
  float out_by = length(gl_PointCoord - 0.5) * size;
  float rim = size * 0.5 - out_by;
  float cover = clamp(rim, 0.0, 1.0);
  float line = 1.5 * ratio;
  if (shape > 2.5) { pixel = vec4(color, 1.0) * pow(max(0.0, 1.0 - 2.0 * out_by / size), 2.0) * 0.28; return; }
  if (shape > 1.5) { float ring = 1.0 - clamp(rim - line * 1.6, 0.0, 1.0); pixel = vec4(color, 1.0) * cover * mix(0.22, 1.0, ring); return; }
  float inside = clamp(rim - line, 0.0, 1.0);
  float core = shape > 0.5 ? clamp(rim - line * 2.4, 0.0, 1.0) : 0.0;
  pixel = vec4(mix(mix(edge, color, inside), edge, core), 1.0) * cover;
}`;

export interface Overlay {
  canvas: HTMLCanvasElement;
  /** Replace all that is drawn; until when something glides is found here. */
  fill: (dots: readonly Dot[], origin: readonly [number, number]) => void;
  /** True while something still glides. */
  draw: (camera: Camera, now: number, ratio: number, edge: readonly [number, number, number]) => boolean;
  dispose: () => void;
}

function compile(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(kind);
    if (!shader) throw new Error("WebGL");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program) ?? "WebGL");
  return program;
}

function layOut(gl: WebGL2RenderingContext): void {
  const places = [[0, 4, gl.FLOAT, false, 0], [1, 2, gl.FLOAT, false, 16], [2, 4, gl.UNSIGNED_BYTE, true, 24], [3, 1, gl.UNSIGNED_BYTE, true, 28]] as const;
  for (const [index, size, type, normal, offset] of places) {
    gl.enableVertexAttribArray(index);
    gl.vertexAttribPointer(index, size, type, normal, STRIDE, offset);
  }
}

/** Places less the origin and times less the epoch: both close by, so that 32-bit numbers are exact enough. */
function pack(dots: readonly Dot[], origin: readonly [number, number], epoch: number): { data: ArrayBuffer; until: number } {
  const data = new ArrayBuffer(dots.length * STRIDE);
  const floats = new Float32Array(data);
  const bytes = new Uint8Array(data);
  let until = 0;
  dots.forEach((dot, at) => {
    const float = (at * STRIDE) / 4;
    floats[float] = dot.fromX - origin[0];
    floats[float + 1] = dot.fromY - origin[1];
    floats[float + 2] = dot.x - origin[0];
    floats[float + 3] = dot.y - origin[1];
    floats[float + 4] = dot.since - epoch;
    floats[float + 5] = dot.lasts;
    const byte = at * STRIDE + FLOATS * 4;
    bytes[byte] = dot.color[0];
    bytes[byte + 1] = dot.color[1];
    bytes[byte + 2] = dot.color[2];
    bytes[byte + 3] = dot.shape;
    bytes[byte + 4] = Math.min(255, Math.round(dot.radius * 4));
    if (dot.lasts > 0) until = Math.max(until, dot.since + dot.lasts);
  });
  return { data, until };
}

/** Null where the browser has no WebGL 2. */
export function makeOverlay(className: string): Overlay | null {
  const canvas = document.createElement("canvas");
  canvas.className = className;
  canvas.setAttribute("aria-hidden", "true");
  const gl = canvas.getContext("webgl2", { antialias: false, alpha: true, premultipliedAlpha: true });
  if (!gl) return null;
  let count = 0;
  let until = 0;
  let epoch = 0;
  let origin: readonly [number, number] = [0, 0];
  let latest: ArrayBuffer = new ArrayBuffer(0);
  let uniform: Record<"centre" | "scale" | "now" | "ratio" | "grow" | "edge", WebGLUniformLocation | null>;

  function begin(context: WebGL2RenderingContext): void {
    const program = compile(context);
    context.useProgram(program);
    uniform = {
      centre: context.getUniformLocation(program, "centre"),
      scale: context.getUniformLocation(program, "scale"),
      now: context.getUniformLocation(program, "now"),
      ratio: context.getUniformLocation(program, "ratio"),
      grow: context.getUniformLocation(program, "grow"),
      edge: context.getUniformLocation(program, "edge"),
    };
    context.bindBuffer(context.ARRAY_BUFFER, context.createBuffer());
    layOut(context);
    context.enable(context.BLEND);
    context.blendFunc(context.ONE, context.ONE_MINUS_SRC_ALPHA);
    context.bufferData(context.ARRAY_BUFFER, latest, context.DYNAMIC_DRAW);
  }

  begin(gl);
  // a lost context may come back, and then knows nothing
  canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  canvas.addEventListener("webglcontextrestored", () => begin(gl));

  return {
    canvas,
    fill(dots, from) {
      origin = from;
      count = dots.length;
      epoch = performance.now();
      ({ data: latest, until } = pack(dots, from, epoch));
      gl.bufferData(gl.ARRAY_BUFFER, latest, gl.DYNAMIC_DRAW);
    },
    draw({ x, y, world, width, height, grow }, now, ratio, edge) {
      const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (canvas.width !== wide || canvas.height !== high) {
        canvas.width = wide;
        canvas.height = high;
      }
      gl.viewport(0, 0, wide, high);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.uniform2f(uniform.centre, x - origin[0], y - origin[1]);
      gl.uniform2f(uniform.scale, (2 * world) / width, (-2 * world) / height);
      gl.uniform1f(uniform.now, now - epoch);
      gl.uniform1f(uniform.ratio, ratio);
      gl.uniform1f(uniform.grow, grow);
      gl.uniform3f(uniform.edge, edge[0] / 255, edge[1] / 255, edge[2] / 255);
      if (count) gl.drawArrays(gl.POINTS, 0, count);
      return now < until;
    },
    dispose: () => gl.getExtension("WEBGL_lose_context")?.loseContext(),
  };
}
