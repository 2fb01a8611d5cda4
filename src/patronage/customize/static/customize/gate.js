// The gate's dialog and its keys: a allows, d adapts, b blocks the offer in focus.
(() => {
  "use strict";
  const dialog = document.getElementById("ruling");
  if (!dialog) return;
  const body = document.getElementById("ruling-body");
  const loading = document.getElementById("ruling-loading");
  let row = ""; // the row that is being ruled on: its element is replaced by the answer

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-rules]");
    if (!opener || event.ctrlKey || event.metaKey) return;
    row = opener.closest("[data-row]").id;
    document.getElementById("ruling-errors").replaceChildren();
    body.replaceChildren(loading.content.cloneNode(true));
    if (!dialog.open) dialog.showModal();
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (!["a", "d", "b"].includes(event.key)) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const at = document.activeElement?.closest("[data-row]") ?? document.querySelector("[data-rows] [data-row]");
    const button = at?.querySelector(`[data-key="${event.key}"]`);
    if (button) { event.preventDefault(); button.click(); }
  });

  // what an adaptation forgoes is looked up while it is written: the dialog stays
  dialog.addEventListener("htmx:after:request", (event) => {
    if (!event.detail.ctx.sourceElement.matches("[data-preview]")) return;
    event.stopPropagation();
    if (event.detail.ctx.response?.status < 400) document.getElementById("ruling-errors").replaceChildren();
  });
  document.addEventListener("htmx:after:swap", () => {
    if (dialog.open) {
      if (!dialog.contains(document.activeElement) || document.activeElement === dialog) body.querySelector("[autofocus]")?.focus();
    } else if (row && (document.activeElement === document.body || document.activeElement === null)) {
      document.getElementById(row)?.querySelector("a")?.focus();
    }
  });
})();
