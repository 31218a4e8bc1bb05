// The command palette: whatever the page can do and wherever one can go, found by typing. It offers what stands on the page already, so that it never offers what an agent may not do.
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();
const label = (element) => (element.dataset.label ?? element.textContent).replace(/\s+/g, " ").trim();
const most = 40;
const go = (address) => () => { location.href = address; };

let dialog, field, list, items = [], shown = [], chosen = 0, administration = null, found = [], searching = null;

/** Opens it; `words` are the desk's texts. */
export function open(words) {
  if (!dialog) setUp(words);
  if (dialog.open) return;
  items = collect(words);
  found = [];
  field.value = "";
  dialog.showModal();
  show(words);
  loadAdministration(words);
}

function setUp(words) {
  dialog = document.getElementById("palette");
  field = dialog.querySelector("input");
  list = dialog.querySelector("[role=listbox]");
  field.addEventListener("input", () => { chosen = 0; show(words); searchSoon(words); });
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step) { event.preventDefault(); choose((chosen + step + shown.length) % Math.max(1, shown.length)); }
    if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); run(shown[chosen]); }
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) run(shown[Number(option.dataset.index)]);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { clearTimeout(searching); });
}

/** What the page has: what is done with chosen tickets or with this ticket first, then where one can go. */
function collect(words) {
  const all = [];
  const add = (group, element, act, more = "") => {
    const name = label(element);
    if (name) all.push({ group, name, more, keys: element.dataset.key ?? "", icon: element.querySelector("svg")?.cloneNode(true), act });
  };
  const form = document.querySelector("form[data-list]");
  const count = form?.querySelectorAll("input[name=number]:checked").length ?? 0;
  if (count) {
    for (const select of form.querySelectorAll(".bulk select")) {
      for (const option of select.options) {
        if (!option.value) continue;
        add(words("Selected", count), option, () => {
          for (const other of form.querySelectorAll(".bulk select")) other.value = "";
          select.value = option.value;
          if (select.name === "to") form.elements.action.value = "assign";
          form.querySelector(".bulk .button").click();
        });
      }
    }
  }
  const ticket = document.querySelector(".ticket");
  const seen = new Set();
  for (const tool of document.querySelectorAll(".tools a[data-dialog], .tools form button")) {
    if (seen.has(label(tool))) continue;
    seen.add(label(tool));
    add(words("ThisTicket"), tool, () => tool.click());
  }
  for (const tab of ticket?.querySelectorAll(".tabs label") ?? []) add(words("ThisTicket"), tab, () => tab.click());
  for (const link of document.querySelectorAll(".top a.new, .nav a[href]")) {
    const name = [...link.childNodes].filter((node) => !node.matches?.(".num, .glyph")).map((node) => node.textContent).join(" ");
    const number = link.querySelector(".num")?.textContent.trim() ?? "";
    const item = { dataset: { label: name }, querySelector: (what) => link.querySelector(what) };
    add(words("GoTo"), item, go(link.href), number === "0" ? "" : number);
  }
  for (const link of document.querySelectorAll(".pane .rows a, .tickets a.subject")) {
    const name = link.querySelector(".subject, .cut") ?? link;
    all.push({ group: words("Tickets"), name: label(name), more: "#" + link.pathname.split("/").pop(), keys: "", act: go(link.href) });
  }
  return all;
}

/** The pages of administration, read once; whoever has no link to it has none of them. */
async function loadAdministration(words) {
  const link = document.querySelector(".nav a[href='/admin']");
  if (!link) return;
  administration ??= fetch(link.href, { headers: { Accept: "text/html" } }).then(async (answer) => {
    if (!answer.ok) return [];
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return [...page.querySelectorAll(".groups .card li a")].map((found) => ({
      group: link.textContent.trim(), name: label(found.querySelector("b, strong, span") ?? found),
      more: found.closest(".card").querySelector("h2")?.textContent.trim() ?? "", keys: "", act: go(found.getAttribute("href")),
    }));
  }).catch(() => { administration = null; return []; });
  const pages = await administration;
  if (!dialog.open || !pages.length || items.some((item) => item.isPage)) return;
  items.push(...pages.map((page) => ({ ...page, isPage: true })));
  show(words);
}

/** Tickets elsewhere are looked for once typing has paused. */
function searchSoon(words) {
  clearTimeout(searching);
  found = [];
  const text = field.value.trim();
  if (text.length < 3 || text.startsWith("#")) return;
  searching = setTimeout(async () => {
    const answer = await fetch("/desk/search?" + new URLSearchParams({ query: text }), { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok || field.value.trim() !== text || !dialog.open) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const here = new Set(items.map((item) => item.more));
    found = [...page.querySelectorAll(".tickets a.subject")].slice(0, 6).map((link) => {
      const number = "#" + new URL(link.getAttribute("href"), location.href).pathname.split("/").pop();
      const address = link.getAttribute("href");
      return { group: words("Tickets"), name: label(link.querySelector(".cut") ?? link), more: number, keys: "", act: go(address) };
    }).filter((item) => !here.has(item.more));
    show(words);
  }, 250);
}

function show(words) {
  const text = field.value.trim();
  const wanted = plain(text).split(/\s+/).filter(Boolean);
  const hits = items.filter((item) => { const name = plain(`${item.name} ${item.more}`); return wanted.every((word) => name.includes(word)); });
  // Whoever has typed nothing yet is shown what can be done and where one can go, not the whole page again.
  const listed = wanted.length ? hits : hits.filter((item) => item.group !== words("Tickets") && !item.isPage);
  shown = [...listed, ...found].slice(0, most);
  const number = text.match(/^#?(\d{1,18})$/);
  if (number) shown.unshift({ group: words("GoTo"), name: words("OpenTicket", number[1]), more: "", keys: "", act: go("/desk/tickets/" + number[1]) });
  if (text && !number) shown.push({ group: words("GoTo"), name: words("SearchFor", text), more: "", keys: "", act: go("/desk/search?" + new URLSearchParams({ query: text })) });
  const groups = [...new Set(shown.map((item) => item.group))];
  shown.sort((one, other) => groups.indexOf(one.group) - groups.indexOf(other.group));
  list.replaceChildren();
  shown.forEach((item, index) => {
    if (item.group !== shown[index - 1]?.group) list.append(Object.assign(document.createElement("div"), { className: "head", textContent: item.group, role: "presentation" }));
    const option = Object.assign(document.createElement("div"), { id: `palette-${index}`, role: "option" });
    option.dataset.index = index;
    if (item.icon) option.append(item.icon);
    const name = Object.assign(document.createElement("span"), { className: "cut", dir: "auto" });
    mark(item.name, wanted, name);
    option.append(name, Object.assign(document.createElement("span"), { className: "quiet cut grow", textContent: item.more, dir: "auto" }));
    if (item.keys) option.append(...item.keys.split(" ").map((key) => Object.assign(document.createElement("kbd"), { textContent: key.toUpperCase() })));
    list.append(option);
  });
  choose(Math.min(chosen, Math.max(0, shown.length - 1)));
}

/** Puts text into a place with what was typed marked; where folding changed its length nothing is marked. */
function mark(text, wanted, place) {
  const folded = plain(text);
  const at = folded.length === text.length && wanted.length ? folded.indexOf(wanted[0]) : -1;
  if (at < 0) { place.textContent = text; return; }
  place.append(text.slice(0, at), Object.assign(document.createElement("mark"), { textContent: text.slice(at, at + wanted[0].length) }), text.slice(at + wanted[0].length));
}

function choose(index) {
  chosen = index;
  for (const option of list.querySelectorAll("[role=option]")) option.setAttribute("aria-selected", String(Number(option.dataset.index) === index));
  const here = document.getElementById(`palette-${index}`);
  if (here) { field.setAttribute("aria-activedescendant", here.id); here.scrollIntoView({ block: "nearest" }); } else field.removeAttribute("aria-activedescendant");
}

function run(item) {
  if (!item) return;
  dialog.close();
  item.act();
}
