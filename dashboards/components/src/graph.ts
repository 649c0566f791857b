// A DAG or a run as a graph: nodes are links, dragging pans, Ctrl and the wheel zoom, keys do both.
// Folding, layout and words come from the server (dashboards/graph); here is only the hand.
import type { Cleanup, Component } from "./_streamlit";
import { go } from "./_navigation";
import { draw, make } from "./_picture";
import type { Graph } from "./_picture";
import { around, filling, fitted, showing, zoomed } from "./_view";
import type { Size, View } from "./_view";

const TALLEST = 560, LOWEST = 140, READABLE = 0.7, STEP = 1.25;

interface Mounted {
  root: HTMLElement; svg: SVGElement; whole: SVGElement; graph: Graph; view: View; text: string;
  calls: number;
}
const mounted = new WeakMap<object, Mounted>();

function frameOf(one: Mounted): Size {
  const box = one.svg.getBoundingClientRect();
  return { width: box.width || 800, height: box.height || TALLEST };
}

function look(one: Mounted, view: View): void {
  one.view = view;
  one.whole.setAttribute("transform",
    `translate(${view.x.toFixed(1)} ${view.y.toFixed(1)}) scale(${view.scale.toFixed(4)})`);
}

// All of it where that can be read; else its chosen node, or where its path begins.
function first(one: Mounted): void {
  const frame = frameOf(one), all = fitted(one.graph, frame);
  if (all.scale >= READABLE) return look(one, all);
  const { nodes, order, nodeWidth, nodeHeight } = one.graph;
  const start = nodes.find((n) => n.chosen) ??
    nodes[order.find((n) => nodes[n]!.path) ?? order[0] ?? 0];
  const scale = 0.85;
  if (!start) return look(one, all);
  const centre = { x: start.x + nodeWidth / 2, y: start.y + nodeHeight / 2 };
  const left = start.chosen ? frame.width / 2 : 16 + nodeWidth * scale / 2;
  look(one, filling(around(centre, { x: left, y: frame.height / 2 }, scale), one.graph, frame));
}

function zoom(one: Mounted, factor: number, at?: { x: number; y: number }): void {
  const frame = frameOf(one);
  look(one, zoomed(one.view, factor, at ?? { x: frame.width / 2, y: frame.height / 2 }));
}

function tools(one: Mounted): HTMLElement {
  const bar = document.createElement("div");
  bar.className = "ws-graph-tools";
  const acts: [string, string, () => void][] = [
    ["+", "Zoom in (+)", () => zoom(one, STEP)],
    ["\u2212", "Zoom out (\u2212)", () => zoom(one, 1 / STEP)],
    ["Fit", "Fit all of it (0)", () => look(one, fitted(one.graph, frameOf(one)))],
  ];
  for (const [sign, words, act] of acts) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = sign;
    button.title = words;
    button.setAttribute("aria-label", words);
    button.addEventListener("click", act);
    bar.append(button);
  }
  const hint = document.createElement("span");
  hint.textContent = "Drag to move, Ctrl + wheel to zoom";
  bar.append(hint);
  return bar;
}

function onDrag(one: Mounted): void {
  const { svg } = one;
  let begin: { x: number; y: number; view: View } | null = null, moved = false;
  svg.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    begin = { x: event.clientX, y: event.clientY, view: one.view };
    moved = false;
  });
  svg.addEventListener("pointermove", (event) => {
    if (!begin || !(event.buttons & 1)) return;
    const x = event.clientX - begin.x, y = event.clientY - begin.y;
    if (!moved && Math.hypot(x, y) < 5) return;
    if (!moved) svg.setPointerCapture(event.pointerId);
    moved = true;
    look(one, { ...begin.view, x: begin.view.x + x, y: begin.view.y + y });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    svg.addEventListener(end, () => { begin = null; });
  }
  // a drag that ends on a node is no click on it; a link is not to be dragged away as text
  svg.addEventListener("click", (event) => {
    if (moved) { event.preventDefault(); event.stopPropagation(); moved = false; }
  }, true);
  svg.addEventListener("dragstart", (event) => event.preventDefault());
}

function onWheel(one: Mounted): void {
  one.svg.addEventListener("wheel", (event) => {
    const box = one.svg.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoom(one, Math.exp(-event.deltaY / 300),
        { x: event.clientX - box.left, y: event.clientY - box.top });
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      look(one, { ...one.view, x: one.view.x - (event.deltaX || event.deltaY) });
    }
  }, { passive: false });
}

function onKeys(one: Mounted): void {
  const shifts: Record<string, [number, number]> = {
    ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] };
  one.root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const shift = shifts[event.key];
    if (event.key === "+" || event.key === "=") zoom(one, STEP);
    else if (event.key === "-") zoom(one, 1 / STEP);
    else if (event.key === "0") look(one, fitted(one.graph, frameOf(one)));
    else if (shift) {
      look(one, { ...one.view, x: one.view.x + shift[0], y: one.view.y + shift[1] });
    } else return;
    event.preventDefault();
  });
}

function nodeOf(event: Event): SVGElement | null {
  return event.target instanceof Element ? event.target.closest<SVGElement>(".ws-graph-node") : null;
}

function onNodes(one: Mounted): void {
  const { svg } = one;
  svg.addEventListener("click", (event) => {
    const href = nodeOf(event)?.getAttribute("href");
    if (!href || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) {
      return;
    }
    event.preventDefault();
    go(href);
  });
  svg.addEventListener("focusin", (event) => {
    const node = one.graph.nodes[Number(nodeOf(event)?.dataset.number)];
    if (!node || !(event.target as Element).matches(":focus-visible")) return;
    const { nodeWidth: width, nodeHeight: height } = one.graph;
    look(one, showing(one.view, { x: node.x, y: node.y, width, height }, frameOf(one)));
  });
  const mark = (event: Event, on: boolean): void => {
    const number = nodeOf(event)?.dataset.number;
    if (number === undefined) return;
    for (const edge of one.whole.querySelectorAll(
      `[data-from="${number}"], [data-to="${number}"]`)) edge.classList.toggle("ws-graph-near", on);
  };
  for (const name of ["pointerover", "focusin"]) svg.addEventListener(name, (e) => mark(e, true));
  for (const name of ["pointerout", "focusout"]) svg.addEventListener(name, (e) => mark(e, false));
}

function mount(parent: HTMLElement | ShadowRoot, graph: Graph): Mounted {
  const root = document.createElement("div");
  root.className = "ws-graph";
  const svg = make("svg", { class: "ws-graph-frame", role: "group", tabindex: 0 });
  const one: Mounted = { root, svg, graph, whole: make("g"), view: { x: 0, y: 0, scale: 1 }, text: "",
    calls: 0 };
  root.append(tools(one), svg);
  parent.append(root);
  onDrag(one);
  onWheel(one);
  onKeys(one);
  onNodes(one);
  return one;
}

// The same nodes at the same places: what changed is a state or a word, so the view stays.
function alike(one: Graph, other: Graph): boolean {
  return one.name === other.name && one.nodes.length === other.nodes.length &&
    one.nodes.every((n, i) => n.x === other.nodes[i]!.x && n.y === other.nodes[i]!.y &&
      n.title === other.nodes[i]!.title);
}

function show(one: Mounted, graph: Graph): void {
  const text = JSON.stringify(graph);
  if (text === one.text) return;
  const stays = one.text !== "" && alike(one.graph, graph);
  const focused = one.svg.querySelector<SVGElement>(".ws-graph-node:focus")?.dataset.number;
  one.text = text;
  one.graph = graph;
  one.svg.setAttribute("aria-label", graph.label);
  one.whole = draw(graph);
  one.svg.replaceChildren(one.whole);
  const height = Math.max(LOWEST, Math.min(TALLEST, graph.height + 32));
  one.svg.style.height = `${height}px`;
  if (!stays) return first(one);
  look(one, one.view);
  if (focused !== undefined) {
    one.svg.querySelector<SVGElement>(`[data-number="${focused}"]`)?.focus({ preventScroll: true });
  }
}

export default function graph(component: Component<Graph>): Cleanup {
  const parent = component.parentElement;
  const one = mounted.get(parent) ?? mount(parent, component.data);
  mounted.set(parent, one);
  show(one, component.data);
  one.calls += 1;
  const { calls } = one;
  // Streamlit cleans up before each new call, too: what is called again keeps its view and focus
  return () => {
    setTimeout(() => {
      if (one.calls !== calls) return;
      one.root.remove();
      mounted.delete(parent);
    }, 500);
  };
}
