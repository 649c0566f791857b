// Going to another page or state of the app without loading the app anew: the address changes, and
// Streamlit is told as by the browser's own back button, so that history stays whole.
export function go(href: string): void {
  const target = new URL(href, document.baseURI);
  if (target.origin !== location.origin) return;
  history.pushState({}, "", target.href);
  window.dispatchEvent(new PopStateEvent("popstate"));
}
