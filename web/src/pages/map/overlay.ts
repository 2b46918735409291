/** Draws thousands of markers on a canvas of its own over the map: they move without the map being drawn anew.
 *
 * A marker's way is given to the graphics card once for each report; a frame of gliding costs one call.
 * Why not a source of MapLibre's: docs/adr/0013-markers-on-their-own-canvas.md.
 */
import { type Band, BLOCK, type Origin, rowsOf, STRIDE } from "./bands";

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

export interface View {
  camera: Camera;
  origin: Origin;
  /** Size of the drawing's pixels to those of the page. */
  ratio: number;
  /** How small the many are drawn. */
  crowd: number;
  edge: readonly [number, number, number];
}

export interface Overlay {
  canvas: HTMLCanvasElement;
  /** Draw the bands, one above the other, as they are at an instant of the page's clock. */
  draw: (bands: readonly Band[], view: View, now: number) => void;
  dispose: () => void;
}

/** A band's memory on the graphics card. */
interface Held {
  buffer: WebGLBuffer;
  array: WebGLVertexArrayObject;
  rows: number;
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

function hold(gl: WebGL2RenderingContext): Held {
  const held = { buffer: gl.createBuffer(), array: gl.createVertexArray(), rows: 0 };
  gl.bindVertexArray(held.array);
  gl.bindBuffer(gl.ARRAY_BUFFER, held.buffer);
  layOut(gl);
  return held;
}

/** Hand over the blocks that changed, those that lie together at once; all of them where there was no room. */
function handOver(gl: WebGL2RenderingContext, held: Held, band: Band): void {
  gl.bindVertexArray(held.array);
  if (held.rows === rowsOf(band) && !band.changed.size) return;
  gl.bindBuffer(gl.ARRAY_BUFFER, held.buffer);
  if (held.rows !== rowsOf(band)) {
    held.rows = rowsOf(band);
    gl.bufferData(gl.ARRAY_BUFFER, band.data, gl.DYNAMIC_DRAW);
  } else {
    const blocks = [...band.changed].sort((a, b) => a - b);
    for (let first = 0, last = 0; first < blocks.length; first = ++last) {
      while ((blocks[last + 1] ?? NaN) === (blocks[last] as number) + 1) last += 1;
      const [from, to] = [(blocks[first] as number) * BLOCK * STRIDE, ((blocks[last] as number) + 1) * BLOCK * STRIDE];
      gl.bufferSubData(gl.ARRAY_BUFFER, from, new Uint8Array(band.data, from, Math.min(to, band.data.byteLength) - from));
    }
  }
  band.changed.clear();
}

/** Null where the browser has no WebGL 2. */
export function makeOverlay(className: string): Overlay | null {
  const canvas = document.createElement("canvas");
  canvas.className = className;
  canvas.setAttribute("aria-hidden", "true");
  const gl = canvas.getContext("webgl2", { antialias: false, alpha: true, premultipliedAlpha: true });
  if (!gl) return null;
  let kept = new Map<Band, Held>();
  let uniform: Record<"centre" | "scale" | "now" | "ratio" | "grow" | "edge", WebGLUniformLocation | null>;

  function begin(context: WebGL2RenderingContext): void {
    kept = new Map();
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
    context.enable(context.BLEND);
    context.blendFunc(context.ONE, context.ONE_MINUS_SRC_ALPHA);
  }

  begin(gl);
  // a lost context may come back, and then knows nothing
  canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  canvas.addEventListener("webglcontextrestored", () => begin(gl));

  function letGo(bands: readonly Band[]): void {
    for (const [band, held] of kept) {
      if (bands.includes(band)) continue;
      gl?.deleteBuffer(held.buffer);
      gl?.deleteVertexArray(held.array);
      kept.delete(band);
    }
  }

  function heldOf(context: WebGL2RenderingContext, band: Band): Held {
    const held = kept.get(band) ?? hold(context);
    kept.set(band, held);
    return held;
  }

  return {
    canvas,
    draw(bands, { camera: { x, y, world, width, height, grow }, origin, ratio, crowd, edge }, now) {
      const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (canvas.width !== wide || canvas.height !== high) {
        canvas.width = wide;
        canvas.height = high;
      }
      gl.viewport(0, 0, wide, high);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.uniform2f(uniform.centre, x - origin.x, y - origin.y);
      gl.uniform2f(uniform.scale, (2 * world) / width, (-2 * world) / height);
      gl.uniform1f(uniform.now, now - origin.epoch);
      gl.uniform1f(uniform.ratio, ratio);
      gl.uniform3f(uniform.edge, edge[0] / 255, edge[1] / 255, edge[2] / 255);
      if (kept.size > bands.length) letGo(bands);
      for (const band of bands) {
        handOver(gl, heldOf(gl, band), band);
        gl.uniform1f(uniform.grow, band.crowds ? grow * crowd : grow);
        if (band.markers.length) gl.drawArrays(gl.POINTS, 0, band.markers.length);
      }
    },
    dispose: () => gl.getExtension("WEBGL_lose_context")?.loseContext(),
  };
}
