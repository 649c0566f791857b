// The search on every page: what is typed goes to the server, hits come back as data, arrows choose
// one, Enter opens it (or Discover, when none is chosen), Escape closes. A combobox with a listbox.
import type { Cleanup, Component } from "./_streamlit";
import { go } from "./_navigation";

interface Hit {
  href: string;
  name: string;
  of: string;         // the DAG of a task
  cluster: string;
  kind: string;       // of the cluster, empty when it is production
  what: string;       // DAG, task
  glyph: string;
  state: string;
  ink: string;
}
interface Answer {
  asked: string;
  hits: Hit[];
  is_near: boolean;
  all: string;        // where the whole list is
}

const WAIT_MS = 120;

class Box {
  readonly input = document.createElement("input");
  readonly list = document.createElement("ul");
  private chosen = -1;
  private waiting = 0;
  private seen = "";
  component: Component<Answer>;

  constructor(component: Component<Answer>) {
    this.component = component;
    const id = "ws-search-hits";
    this.input.type = "search";
    this.input.className = "ws-search-input";
    this.input.placeholder = "Find a DAG or task  ( / )";
    this.input.autocomplete = "off";
    this.input.spellcheck = false;
    this.input.maxLength = 200;
    this.input.setAttribute("aria-label", "Find a DAG or task");
    this.input.setAttribute("role", "combobox");
    this.input.setAttribute("aria-autocomplete", "list");
    this.input.setAttribute("aria-controls", id);
    this.list.id = id;
    this.list.className = "ws-search-hits";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Hits");
    this.show(false);
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("focus", () => this.show(this.list.childElementCount > 0));
    this.input.addEventListener("blur", () => this.show(false));
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", () => this.leave());
  }

  private get text(): string {
    return this.input.value.trim();
  }

  private typed(): void {
    window.clearTimeout(this.waiting);
    if (!this.text) {
      this.list.replaceChildren();
      this.show(false);
      this.seen = "";
      return;
    }
    this.waiting = window.setTimeout(
      () => this.component.setStateValue("asked", this.text), WAIT_MS);
  }

  private key(event: KeyboardEvent): void {
    const count = this.list.querySelectorAll("[role=option]").length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!count) return;
      this.show(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.choose(this.chosen + step < -1 ? count - 1 : this.chosen + step >= count ? -1
        : this.chosen + step);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.open();
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (this.list.hidden) this.input.blur();
      this.show(false);
    }
  }

  private open(): void {
    const link = this.list.querySelectorAll<HTMLAnchorElement>("[role=option] a")[this.chosen];
    const href = link?.href ?? `${this.component.data.all}?q=${encodeURIComponent(this.text)}`;
    if (!link && !this.text) return;
    this.leave();
    go(href);
    document.querySelector(".stMain")?.scrollTo(0, 0);
  }

  // The next page begins with an empty box.
  private leave(): void {
    window.clearTimeout(this.waiting);
    this.input.value = "";
    this.input.blur();
    this.list.replaceChildren();
    this.show(false);
  }

  private choose(place: number): void {
    this.chosen = place;
    this.input.removeAttribute("aria-activedescendant");
    this.list.querySelectorAll("[role=option]").forEach((option, at) => {
      option.setAttribute("aria-selected", String(at === place));
      if (at !== place) return;
      this.input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    });
  }

  private show(isOpen: boolean): void {
    this.list.hidden = !isOpen;
    this.input.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) this.choose(-1);
  }

  answer(data: Answer): void {
    if (!this.text || data.asked !== this.text || data.asked === this.seen) return;
    this.seen = data.asked;
    const items = data.hits.map(option);
    if (!data.hits.length) items.unshift(note("Nothing is called so. Enter searches on Discover."));
    else if (data.is_near) items.unshift(note("Nothing is called so. Nearest:"));
    this.list.replaceChildren(...items);
    this.choose(-1);
    this.show(document.activeElement === this.input);
  }
}

function text(kind: string, value: string): HTMLSpanElement {
  const span = document.createElement("span");
  span.className = kind;
  span.textContent = value;
  return span;
}

function note(value: string): HTMLLIElement {
  const item = document.createElement("li");
  item.className = "ws-search-note";
  item.setAttribute("role", "presentation");
  item.textContent = value;
  return item;
}

function option(hit: Hit, place: number): HTMLLIElement {
  const item = document.createElement("li");
  item.id = `ws-search-hit-${place}`;
  item.setAttribute("role", "option");
  item.setAttribute("aria-selected", "false");
  const link = document.createElement("a");
  link.className = "ws-link";
  link.href = hit.href;
  link.tabIndex = -1;
  const sign = text("ws-search-sign", hit.glyph);
  sign.title = hit.state;
  sign.style.color = hit.ink;
  const under = text("ws-search-under", "");
  under.append(text("", hit.what), text("", hit.of), text("", hit.cluster), text("ws-caution", hit.kind));
  link.append(sign, text("ws-id ws-search-name", hit.name), under);
  item.append(link);
  return item;
}

const boxes = new WeakMap<Node, Box>();

export default function search(component: Component<Answer>): Cleanup {
  const parent = component.parentElement;
  let box = boxes.get(parent);
  if (!box) {
    box = new Box(component);
    boxes.set(parent, box);
  }
  if (!box.input.isConnected) {
    const around = document.createElement("div");
    around.className = "ws-search";
    around.setAttribute("role", "search");
    around.append(box.input, box.list);
    parent.replaceChildren(around);
  }
  box.component = component;
  box.answer(component.data);
  return () => undefined;
}
