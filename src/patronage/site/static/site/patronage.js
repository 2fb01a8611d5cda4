// Keyboard, dialogs, theme and charts of every page. No page needs it to be read.
(() => {
  "use strict";
  const here = document.currentScript;
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const typing = (element) => element?.closest("input, textarea, select, [contenteditable]") !== null;

  // --- dialogs -------------------------------------------------------------------------------
  const open = (id) => {
    const dialog = document.getElementById(id);
    if (dialog && !dialog.open) dialog.showModal();
  };

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) return open(opener.dataset.opens);
    const closer = event.target.closest("[data-closes]");
    if (closer) return closer.closest("dialog")?.close();
    if (event.target.matches("dialog")) return event.target.close(); // the backdrop
    for (const menu of all("details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    const row = event.target.closest("[data-row]");
    if (row && !event.target.closest("a, button, input, label, summary, dialog")
        && !String(getSelection())) openRow(row, event);
  });

  // --- rows ----------------------------------------------------------------------------------
  const visibleRows = () => all("[data-rows] [data-row]").filter((row) => row.offsetParent !== null);
  const linkOf = (row) => row.querySelector("a[href]");

  function openRow(row, event) {
    const link = linkOf(row);
    if (!link) return;
    if (event.ctrlKey || event.metaKey) window.open(link.href, "_blank", "noopener");
    else link.click();
  }

  function step(by) {
    const rows = visibleRows();
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    const link = linkOf(next);
    if (link) link.focus();
    else { next.tabIndex = -1; next.focus(); }
    next.scrollIntoView({ block: "nearest" });
  }

  // a box in the head of a table ticks every box of its rows
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-ticks-all]")) return;
    for (const box of all("tbody input[type=checkbox]", event.target.closest("table"))) {
      box.checked = event.target.checked;
    }
  });

  // --- keyboard ------------------------------------------------------------------------------
  let waitsForPlace = 0;

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest("form");
      if (form) { event.preventDefault(); form.requestSubmit(); }
      return;
    }
    if (event.key === "Escape") {
      for (const menu of all("details[data-menu][open]")) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
      if (event.target.matches("[data-find]")) event.target.blur();
      return;
    }
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (waitsForPlace && Date.now() - waitsForPlace < 1500) {
      waitsForPlace = 0;
      const place = event.key === "h" ? document.querySelector(".top .brand")
        : document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (place) { event.preventDefault(); place.click(); }
      return;
    }
    const act = {
      "/": () => (document.querySelector("#q") ?? document.querySelector("[data-find]"))?.focus(),
      "g": () => { waitsForPlace = Date.now(); },
      "j": () => step(1),
      "k": () => step(-1),
      "?": () => open("keys"),
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  // --- htmx ----------------------------------------------------------------------------------
  document.addEventListener("htmx:config:request", (event) => {
    const { request, sourceElement } = event.detail.ctx;
    request.headers["X-CSRFToken"] = document.body.dataset.token;
    const errors = sourceElement.closest("dialog")?.querySelector("[data-errors]");
    if (errors) request.headers["X-Notices"] = `#${errors.id}`;
  });
  document.addEventListener("htmx:after:request", (event) => {
    const { response, sourceElement } = event.detail.ctx;
    const done = response && response.status < 400 && sourceElement.matches("form");
    if (done) sourceElement.closest("dialog")?.close(); // a field that proposes is not done
  });
  const said = (text) => {
    const notices = document.getElementById("notices");
    const notice = document.createElement("div");
    notice.className = "notice bad";
    notice.textContent = text;
    notices.replaceChildren(notice);
  };
  document.addEventListener("htmx:error", () => said(document.body.dataset.offline));
  document.addEventListener("htmx:after:swap", () => mountCharts());

  // --- tabs ----------------------------------------------------------------------------------
  // on a narrow window the tab one is on may stand beyond the edge
  for (const tab of all(".tabs [aria-current], .places [aria-current]")) {
    const row = tab.parentElement;
    row.scrollLeft += tab.getBoundingClientRect().left - row.getBoundingClientRect().left
      - (row.clientWidth - tab.offsetWidth) / 2;
  }

  // --- theme ---------------------------------------------------------------------------------
  for (const button of all("[data-theme-choice] button")) {
    button.addEventListener("click", () => {
      if (button.value) root.dataset.theme = button.value; else delete root.dataset.theme;
      const age = button.value ? 31536000 : 0;
      document.cookie = `theme=${button.value}; path=/; max-age=${age}; samesite=lax`;
      for (const other of all("[data-theme-choice] button")) {
        other.setAttribute("aria-pressed", String(other === button));
      }
      mountCharts(true);
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => mountCharts(true));

  // --- charts --------------------------------------------------------------------------------
  let library = null;
  const loadLibrary = () => library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = here.dataset.charts;
    script.onload = () => resolve(window.vegaEmbed);
    script.onerror = reject;
    document.head.append(script);
  });

  // "@gain" in a specification is the page's own `--chart-gain`
  function coloured(value, style) {
    if (typeof value === "string" && value.startsWith("@")) {
      return style.getPropertyValue(`--chart-${value.slice(1)}`).trim() || value;
    }
    if (Array.isArray(value)) return value.map((item) => coloured(item, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, style)]));
    }
    return value;
  }

  const FRENCH = { decimal: ",", thousands: "\u00a0", grouping: [3], currency: ["", "\u00a0€"] };

  async function mount(figure) {
    const spec = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
    const place = figure.querySelector("[data-chart-place]");
    const embed = await loadLibrary();
    const previous = figure.chart;
    figure.chart = await embed(place, coloured(spec, getComputedStyle(root)), {
      ast: true, actions: false, renderer: "svg", defaultStyle: false,
      tooltip: { disableDefaultStyle: true },
      formatLocale: root.lang === "fr" ? FRENCH : undefined,
    });
    previous?.finalize();
    // the picture is described by the figure's own words and table
    place.querySelector("svg")?.setAttribute("aria-hidden", "true");
    for (const link of all("a", place)) link.setAttribute("tabindex", "-1");
    figure.dataset.mounted = "true";
  }

  function mountCharts(again = false) {
    for (const figure of all(again ? "[data-chart]" : "[data-chart]:not([data-mounted])")) {
      mount(figure).catch(() => { figure.dataset.failed = "true"; figure.querySelector("details").open = true; });
    }
  }

  mountCharts();
})();
