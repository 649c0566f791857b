// The drawing as SVG. Text only through textContent, links only into this app, colours only from
// variables of the page, so that dark mode and hostile names need no care elsewhere.
export interface GraphNode {
  x: number; y: number; kind: string; title: string; under: string; note: string; glyph: string;
  state: string; href: string; hint: string; bar: [string, number][]; ratio: number | null;
  path: boolean; chosen: boolean;
}
export interface GraphEdge {
  from: number; to: number; line: number[]; weight: number; path: boolean; inferred: boolean;
}
export interface Graph {
  name: string; label: string; width: number; height: number; nodeWidth: number;
  nodeHeight: number; nodes: GraphNode[]; edges: GraphEdge[]; order: number[];
}

type Attributes = Record<string, string | number>;
const PAD = 10;

export function make(name: string, attributes: Attributes = {}, text = ""): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text) element.textContent = text;
  return element;
}

function ink(kind: "state" | "fill", state: string): string {
  return /^[a-z_]+$/.test(state) ? `var(--ws-${kind}-${state}, var(--ws-muted))` : "var(--ws-muted)";
}

// Points: leave a node, cross columns on a level, arrive; between columns a soft turn.
function way(line: number[]): string {
  const [x, y, ...rest] = line as [number, number, ...number[]];
  let path = `M${x} ${y}`, lastX = x, lastY = y;
  for (let i = 0; i < rest.length; i += 2) {
    const toX = rest[i]!, toY = rest[i + 1]!, middle = (lastX + toX) / 2;
    path += toY === lastY ? `H${toX}` : `C${middle} ${lastY} ${middle} ${toY} ${toX} ${toY}`;
    [lastX, lastY] = [toX, toY];
  }
  return path;
}

function drawEdge(edge: GraphEdge): SVGElement {
  const kind = edge.path ? "ws-graph-edge ws-graph-path" : "ws-graph-edge";
  const width = edge.path ? 3 : 1 + 2 * edge.weight;
  return make("path", {
    d: way(edge.line), class: edge.inferred ? `${kind} ws-graph-inferred` : kind,
    "stroke-width": width, "data-from": edge.from, "data-to": edge.to,
  });
}

function drawBar(parts: [string, number][], graph: Graph): SVGElement {
  const bar = make("g", { "aria-hidden": "true" });
  const total = parts.reduce((sum, [, count]) => sum + count, 0) || 1;
  let x = PAD;
  for (const [state, count] of parts) {
    const width = (graph.nodeWidth - 2 * PAD) * count / total;
    const piece = make("rect", { x, y: graph.nodeHeight - 8, width, height: 4 });
    piece.style.fill = ink("fill", state);
    bar.append(piece);
    x += width;
  }
  return bar;
}

function drawRatio(ratio: number, graph: Graph): SVGElement {
  return make("rect", {
    class: "ws-graph-ratio", x: PAD, y: graph.nodeHeight - 7, height: 3,
    width: (graph.nodeWidth - 2 * PAD) * Math.max(0, Math.min(1, ratio)),
  });
}

function address(href: string): string | null {
  if (!href) return null;
  try {
    return new URL(href, document.baseURI).origin === location.origin ? href : null;
  } catch {
    return null;
  }
}

function drawNode(node: GraphNode, number: number, graph: Graph): SVGElement {
  const href = address(node.href);
  const kinds = ["ws-graph-node", `ws-graph-${/^[a-z]+$/.test(node.kind) ? node.kind : "task"}`];
  if (node.path) kinds.push("ws-graph-on-path");
  if (node.chosen) kinds.push("ws-graph-chosen");
  const link = make(href ? "a" : "g", {
    class: kinds.join(" "), transform: `translate(${node.x} ${node.y})`, "data-number": number,
    "aria-label": node.hint.replaceAll("\n", ", "), ...(href ? { href } : { tabindex: 0, role: "img" }),
    ...(node.chosen ? { "aria-current": "true" } : {}),
  });
  link.append(make("title", {}, node.hint));
  if (node.kind === "group" || node.kind === "rest") {
    link.append(make("rect", { class: "ws-graph-shadow", x: 4, y: 4, rx: 4,
      width: graph.nodeWidth, height: graph.nodeHeight }));
  }
  link.append(make("rect", { class: "ws-graph-box", rx: 4, width: graph.nodeWidth,
    height: graph.nodeHeight }));
  const inner = make("g", { "clip-path": `url(#${clipName(graph)})`, "aria-hidden": "true" });
  let left = PAD;
  if (node.glyph) {
    const sign = make("text", { x: PAD, y: 21, class: "ws-graph-sign" }, node.glyph);
    sign.style.fill = ink("state", node.state);
    inner.append(sign);
    left += 17;
  }
  inner.append(make("text", { x: left, y: 21, class: "ws-graph-title" }, node.title));
  inner.append(make("text", { x: PAD, y: 39, class: "ws-graph-under" }, node.under));
  inner.append(make("text", { x: graph.nodeWidth - PAD, y: 39, class: "ws-graph-under",
    "text-anchor": "end" }, node.note));
  if (node.bar.length) inner.append(drawBar(node.bar, graph));
  else if (node.ratio) inner.append(drawRatio(node.ratio, graph));
  link.append(inner);
  return link;
}

export function clipName(graph: Graph): string {
  return `ws-graph-clip-${graph.name.replace(/[^a-z0-9]/gi, "")}`;
}

// Everything in one group, which panning and zooming transform.
export function draw(graph: Graph): SVGElement {
  const whole = make("g", { class: "ws-graph-whole" });
  const clip = make("clipPath", { id: clipName(graph) });
  clip.append(make("rect", { width: graph.nodeWidth - 4, height: graph.nodeHeight, x: 2 }));
  const edges = make("g", { "aria-hidden": "true" });
  // the path is drawn last, above what crosses it
  for (const edge of [...graph.edges].sort((a, b) => Number(a.path) - Number(b.path))) {
    edges.append(drawEdge(edge));
  }
  const nodes = make("g");
  for (const number of graph.order) nodes.append(drawNode(graph.nodes[number]!, number, graph));
  whole.append(clip, edges, nodes);
  return whole;
}
