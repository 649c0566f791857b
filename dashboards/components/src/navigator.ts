// Follows links of class ws-link inside the app, and puts the cursor into the search at "/".
import type { Cleanup, Component } from "./_streamlit";
import { go } from "./_navigation";

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}

function onClick(event: MouseEvent): void {
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const anchor = event.composedPath().find(
    (one): one is HTMLAnchorElement => one instanceof HTMLAnchorElement);
  if (!anchor?.classList.contains("ws-link") || anchor.origin !== location.origin) return;
  event.preventDefault();
  event.stopPropagation();
  const elsewhere = anchor.pathname !== location.pathname;
  go(anchor.href);
  if (elsewhere) document.querySelector(".stMain")?.scrollTo(0, 0);
}

// In the search of a page that lists hits, arrows go through them; Enter follows as on any link.
function onArrow(event: KeyboardEvent): void {
  const at = event.composedPath()[0];
  const hits = [...document.querySelectorAll<HTMLAnchorElement>(".stMain a.ws-hit")];
  const place = hits.indexOf(at as HTMLAnchorElement);
  const isSearch = at instanceof HTMLInputElement && at.matches(".stMain .st-key-q input");
  if (!hits.length || (place < 0 && !isSearch)) return;
  const next = place + (event.key === "ArrowDown" ? 1 : -1);
  if (next < -1) return;
  event.preventDefault();
  (hits[next] ?? (next < 0 ? document.querySelector<HTMLInputElement>(".stMain .st-key-q input")
    : undefined))?.focus();
}

function onKey(event: KeyboardEvent): void {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") return onArrow(event);
  if (event.key !== "/" || event.metaKey || event.ctrlKey || event.altKey) return;
  if (typing(event.composedPath()[0] ?? null)) return;
  const search = document.querySelector<HTMLInputElement>(
    ".st-key-ws_search input, .stMain input[type=search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
}

export default function navigator(_component: Component<null>): Cleanup {
  document.addEventListener("click", onClick, true);
  document.addEventListener("keydown", onKey);
  return () => {
    document.removeEventListener("click", onClick, true);
    document.removeEventListener("keydown", onKey);
  };
}
