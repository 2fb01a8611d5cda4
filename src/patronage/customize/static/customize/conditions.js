// A rule's condition as rows and groups beside its text. Without this script the text is all.
(() => {
  "use strict";
  const form = document.getElementById("rules-form");
  if (!form) return;
  const { fields, operators, words } = JSON.parse(document.getElementById("conditions").textContent);
  const make = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children.filter((child) => child !== null));
    return made;
  };
  const button = (text, act, extra = {}) => {
    const made = make("button", { type: "button", textContent: text, ...extra });
    made.addEventListener("click", act);
    return made;
  };
  const option = (value, text, chosen) =>
    make("option", { value, textContent: text, selected: value === chosen });
  const valueless = ["holds", "does not hold", "is unknown", "is known"];
  const shapeOf = (operator) => valueless.includes(operator) ? "none"
    : ["in", "not in"].includes(operator) ? "list"
    : ["between", "not between"].includes(operator) ? "pair" : "one";

  for (const place of form.querySelectorAll("[data-condition]")) mount(place);

  function mount(place) {
    const part = place.dataset.condition;
    const text = place.querySelector("textarea");
    const kept = place.querySelector("input[type=hidden]"); // the rows, once somebody changed them
    const builder = place.querySelector(".builder");
    const note = place.querySelector("[data-note]");
    const views = [...place.querySelectorAll("[data-view]")];
    const known = new Map(fields[part].map((each) => [each.name, each]));
    const label = place.querySelector("label").textContent;
    let root = null;
    let waits = 0;
    let asked = 0; // the last question counts, whichever answer comes first
    place.querySelector(".choice").hidden = false;

    for (const view of views) view.addEventListener("click", () => show(view.dataset.view));
    

    if (kept.value) {
      root = JSON.parse(kept.value);
      draw();
      turn("rows");
      check();
    }

    // --- text and rows ---------------------------------------------------------------------
    function turn(view) {
      for (const each of views) each.setAttribute("aria-pressed", String(each.dataset.view === view));
      builder.hidden = view !== "rows";
      text.hidden = view === "rows";
    }

    async function ask(sent) {
      const number = ++asked;
      const body = new URLSearchParams({ part, ...sent });
      const headers = { "X-CSRFToken": document.body.dataset.token };
      try {
        const answer = await fetch(form.dataset.rows, { method: "POST", body, headers });
        const said = await answer.json();
        return number === asked ? said : null;
      } catch {
        say(document.body.dataset.offline, true);
        return null;
      }
    }

    async function show(view) {
      if ((view === "rows") !== builder.hidden) return;
      if (view === "rows") {
        const said = await ask({ text: text.value });
        if (said === null) return;
        if (!said.rows) {
          say(`${words.staysText} ${said.refused}`, true);
          text.focus();
          if (said.offset !== null) text.setSelectionRange(said.offset, said.offset + 1);
          return;
        }
        root = said.rows;
        say("");
        turn("rows");
        draw();
        (builder.querySelector("select, input") ?? builder.querySelector("button")).focus();
        return;
      }
      if (kept.value) {
        const said = await ask({ rows: kept.value });
        if (said === null) return;
        if (said.text === undefined) return wrong(said);
        text.value = said.text;
        kept.value = "";
      }
      say("");
      turn("text");
      text.focus();
    }

    // --- what was changed ------------------------------------------------------------------
    function changed() {
      kept.value = JSON.stringify(root);
      kept.dispatchEvent(new Event("input", { bubbles: true }));
      clearTimeout(waits);
      // a row just added says nothing yet, which is no fault
      if (unfinished(root)) { asked += 1; right(); say(words.unfinished); } else waits = setTimeout(check, 300);
    }

    const unfinished = (node) => node.kind === "group" ? node.rows.some(unfinished) : node.field === "";

    async function check() {
      const said = await ask({ rows: JSON.stringify(root) });
      if (said === null || builder.hidden) return;
      if (said.text === undefined) return wrong(said);
      right();
      say(said.text ? `${words.reads} ${said.text}` : words.everybody);
    }

    function right() {
      for (const row of builder.querySelectorAll(".wrong")) row.classList.remove("wrong");
    }

    function wrong(said) {
      right();
      builder.querySelector(`[data-place="${CSS.escape(said.row ?? "")}"]`)?.classList.add("wrong");
      say(said.refused, true);
    }

    function say(words, bad = false) {
      note.textContent = words;
      note.classList.toggle("bad", bad);
    }

    // --- rows ------------------------------------------------------------------------------
    function draw(focus = null) {
      builder.replaceChildren(group(root, [], null));
      if (focus !== null) builder.querySelector(focus)?.focus();
    }

    const at = (path) => `[data-place="${path.join(".")}"]`;

    function group(node, path, remove) {
      const list = make("ol", { className: "plain rows" },
        ...node.rows.map((row, index) => entry(row, [...path, index + 1], () => {
          node.rows.splice(index, 1);
          changed();
          const last = Math.min(index + 1, node.rows.length);
          draw(last ? `${at([...path, last])} select, ${at([...path, last])} textarea` : `${at(path)} .adds button`);
        })));
      const add = (made) => {
        node.rows.push(made);
        changed();
        draw(`${at([...path, node.rows.length])} .of`);
      };
      const fresh = () => ({ kind: "row", field: "", operator: "=", value: "" });
      const match = make("select", { ariaLabel: words.match, className: "match" },
        ...["all", "any", "none"].map((each) => option(each, words[each], node.match)));
      match.addEventListener("change", () => { node.match = match.value; changed(); });
      const made = make("div", { className: "group", role: "group" },
        make("div", { className: "row head" }, match, remove === null ? null
          : button("✕", remove, { className: "quiet", ariaLabel: words.removeGroup, title: words.removeGroup })),
        list,
        make("div", { className: "buttons adds" },
          button(words.add, () => add(fresh())),
          path.length < 8 ? button(words.addGroup, () => add({ kind: "group", match: "any", rows: [fresh()] }),
            { className: "quiet" }) : null));
      made.dataset.place = path.join(".");
      made.setAttribute("aria-label", path.length ? `${words.group} ${path.join(".")}` : label);
      return made;
    }

    function entry(node, path, remove) {
      if (node.kind === "group") return make("li", {}, group(node, path, remove));
      const made = make("div", { className: "condition" });
      made.dataset.place = path.join(".");
      made.setAttribute("role", "group");
      made.setAttribute("aria-label", `${words.condition} ${path.join(".")}`);
      const take = button("✕", remove, { className: "quiet take", ariaLabel: words.remove, title: words.remove });
      if (node.kind === "text") {
        const area = make("textarea", { value: node.text, rows: 1, spellcheck: false, ariaLabel: words.asText });
        area.addEventListener("input", () => { node.text = area.value; changed(); });
        made.append(area, take, make("p", { className: "muted small about", textContent: words.onlyText }));
      } else made.append(...asks(node, path), take, about(known.get(node.field)));
      return make("li", {}, made);
    }

    function about(field) {
      const line = make("p", { className: "muted small about" });
      if (field) line.textContent = [...field.notes, field.source].join(" · ");
      return line;
    }

    function asks(node, path) {
      const field = known.get(node.field);
      const of = make("select", { className: "of", ariaLabel: words.field },
        option("", words.choose, node.field), ...sources(node.field));
      of.addEventListener("change", () => {
        const next = known.get(of.value);
        node.field = of.value;
        if (!next || next.kind !== field?.kind || next.choices.join() !== field.choices.join()) {
          node.operator = next?.operators[0] ?? "=";
          suit(node, null);
        }
        changed();
        draw(`${at(path)} .of`);
      });
      if (!field) return [of];
      const how = make("select", { className: "how", ariaLabel: words.operator },
        ...field.operators.map((each) => option(each,
          operators[`${field.kind}:${each}`] ?? operators[each], node.operator)));
      how.addEventListener("change", () => {
        node.operator = how.value;
        suit(node, node.value);
        changed();
        draw(`${at(path)} .how`);
      });
      return [of, how, values(node, field, path)];
    }

    function sources(chosen) {
      const groups = new Map();
      for (const each of known.values()) {
        if (!groups.has(each.source)) groups.set(each.source, make("optgroup", { label: each.source }));
        groups.get(each.source).append(option(each.name, `${each.label} (${each.name})`, chosen));
      }
      return groups.values();
    }

    // a value that suits the operator, keeping what was typed as far as it can
    function suit(node, value) {
      const typed = [value].flat().filter((each) => each !== null && each !== undefined);
      const shape = shapeOf(node.operator);
      if (shape === "none") delete node.value;
      else if (shape === "one") node.value = typed[0] ?? "";
      else if (shape === "pair") node.value = [typed[0] ?? "", typed[1] ?? ""];
      else node.value = typed.length ? typed : [""];
    }

    function values(node, field, path) {
      const box = make("div", { className: "values" });
      const shape = shapeOf(node.operator);
      if (shape === "one") box.append(value(field, node.value, words.value, (typed) => { node.value = typed; }));
      if (shape === "pair") {
        [words.from, words.to].forEach((name, index) =>
          box.append(value(field, node.value[index], name, (typed) => { node.value[index] = typed; })));
      }
      if (shape === "list") {
        node.value.forEach((each, index) => box.append(make("span", { className: "listed" },
          value(field, each, `${words.value} ${index + 1}`, (typed) => { node.value[index] = typed; }),
          node.value.length > 1 ? button("✕", () => {
            node.value.splice(index, 1); changed(); draw(`${at(path)} .values button`);
          }, { className: "quiet", ariaLabel: words.removeValue, title: words.removeValue }) : null)));
        box.append(button(words.addValue, () => {
          node.value.push(""); changed(); draw(`${at(path)} .listed:nth-of-type(${node.value.length}) :is(input, select)`);
        }, { className: "quiet" }));
      }
      if (field.unit && shape !== "none") box.append(make("span", { className: "muted unit", textContent: field.unit }));
      return box;
    }

    function value(field, held, name, keep) {
      const closed = field.kind === "bool" ? ["true", "false"] : field.choices;
      let made;
      if (closed.length) {
        const listed = held && !closed.includes(held) ? [held, ...closed] : closed;
        made = make("select", {}, option("", words.chooseValue, held),
          ...listed.map((each) => option(each, field.kind === "bool" ? words[each] : each, held)));
      } else {
        made = make("input", { type: field.kind === "date" ? "date" : "text", value: held, autocomplete: "off" });
        if (["int", "float", "Decimal", "money"].includes(field.kind)) made.inputMode = "decimal";
        if (made.inputMode) made.className = "number";
      }
      made.ariaLabel = name;
      made.addEventListener("input", () => { keep(made.value); changed(); });
      return made;
    }
  }
})();
