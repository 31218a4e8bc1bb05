// The workspace: live news, drafts, keyboard, dialogs, lists. Every page and form also works without this file.
const desk = document.querySelector(".desk");
const wordsOf = (place) => (name, ...values) => values.reduce((text, value, index) => text.replace(`{${index}}`, value), place.dataset["words" + name] ?? "");
const words = wordsOf(desk);
const post = (address, fields) => fetch(address, { method: "POST", body: new URLSearchParams({ csrf: desk.dataset.csrf, ...fields }), keepalive: true });
const portal = await import(document.querySelector("meta[name=usher-portal]").content);
// A form that came back was sent to an address of its own; a reload and the news want the page's.
const own = document.querySelector("[data-address]")?.dataset.address;
if (own && new URL(own, location.href).pathname !== location.pathname) history.replaceState(null, "", own);

// MARK: parts of the page that change

/** Reads the page anew and puts in what is different, but for where somebody writes. */
let refreshing = null, again = false;
async function refresh() {
  // What is being read may be from before the news.
  if (refreshing) { again = true; return refreshing; }
  refreshing = (async () => {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-refresh]")) {
      const fresh = page.querySelector(`[data-refresh="${part.dataset.refresh}"]`);
      if (!fresh) continue;
      portal.localTimes(fresh);
      if (fresh.innerHTML === part.innerHTML || part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) continue;
      const chosen = new Set([...part.querySelectorAll("input[name=number]:checked")].map((box) => box.value));
      const opened = new Set([...part.querySelectorAll("details")].flatMap((details, index) => details.open ? [index] : []));
      const focused = document.activeElement?.getAttribute?.("href");
      const wasAtEnd = part.dataset.refresh === "talk" && atEnd();
      const height = part.scrollHeight;
      part.replaceChildren(...fresh.childNodes);
      // Whoever reads further up goes on reading there: the place is counted from the end.
      if (part.dataset.refresh === "talk" && !wasAtEnd) part.scrollTop -= part.scrollHeight - height;
      for (const box of part.querySelectorAll("input[name=number]")) box.checked = chosen.has(box.value);
      [...part.querySelectorAll("details")].forEach((details, index) => { if (opened.has(index)) details.open = true; });
      if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
      if (part.dataset.refresh === "talk") arrived(page, wasAtEnd);
    }
    setUpList();
  })().finally(() => {
    refreshing = null;
    if (again) { again = false; refresh(); }
  });
  return refreshing;
}

const ticket = document.querySelector(".ticket");
// The conversation begins at its end, from which its place is counted backwards.
const scroller = document.querySelector(".ticket .scroll");
const atEnd = () => scroller && scroller.scrollTop > -80;
function arrived(page, wasAtEnd) {
  const last = page.querySelector(".ticket")?.dataset.last;
  if (!ticket || last === ticket.dataset.last) return;
  ticket.dataset.last = last;
  if (wasAtEnd) scroller.scrollTop = 0;
  if (!document.querySelector(".box textarea:not(:placeholder-shown)")) {
    for (const seen of document.querySelectorAll(".box [name=seen]")) seen.value = last;
    return;
  }
  // Somebody is writing here: they are told, and what they saw stays what they saw.
  const kept = document.querySelector("[data-kept]");
  if (kept) kept.textContent = words("New");
}

async function counts() {
  const answer = await fetch("/desk/counts");
  if (answer.ok) showCounts(await answer.json());
}
function showCounts(counts) {
  for (const [list, count] of Object.entries(counts)) {
    for (const place of document.querySelectorAll(`[data-count="${list}"]`)) if (place.textContent !== count) place.textContent = count;
  }
  titleCount();
}
/** Views are counted as searches are, so they are asked for less often than the lists. */
let viewsSoon = null;
function countViews(wait = 2000 + Math.random() * 3000) {
  if (!document.querySelector("[data-count^=view-]")) return;
  viewsSoon ??= setTimeout(() => { viewsSoon = null; counts().catch(() => {}); }, wait);
}
/** How many tickets wait in Up next stands before the page's title, so that a tab behind others shows what is new. */
const ownTitle = document.title;
function titleCount() {
  const count = document.querySelector("[data-count=next]")?.textContent ?? "0";
  const title = count === "0" ? ownTitle : `(${count}) ${ownTitle}`;
  if (document.title !== title) document.title = title;
}

// MARK: news

let source = null;
let soon = null;
const presence = (mode) => desk.dataset.ticket && post(`/desk/tickets/${desk.dataset.ticket}/presence`, { mode }).catch(() => {});
function listen() {
  if (source || document.hidden) return;
  source = new EventSource(desk.dataset.live);
  // News come in crowds; pages of a whole team do not ask all at once, and a search, which costs more, less often.
  const later = () => {
    const wait = desk.dataset.list ? 300 + Math.random() * 700 : 2000 + Math.random() * 3000;
    soon ??= setTimeout(() => { soon = null; if (document.querySelector("main[data-refresh]")) refresh(); pane(); }, wait);
  };
  source.addEventListener("desk", (event) => {
    // The counts come with the news, and which lists they are about; a page that shows none of these has nothing to ask for.
    const news = JSON.parse(event.data);
    if (news.counts) showCounts(news.counts); else counts();
    countViews();
    if (news.lists && desk.dataset.list && !news.lists.includes(desk.dataset.list)) return;
    later();
  });
  source.addEventListener("ticket", () => refresh());
  source.addEventListener("present", (event) => {
    const place = document.querySelector("[data-present]");
    if (!place) return;
    const others = JSON.parse(event.data).people.filter((person) => String(person.agent) !== desk.dataset.agent);
    place.textContent = others.map((person) => words(person.mode === "writing" ? "Writing" : "Reading", person.name)).join(", ");
  });
  let lost = false;
  source.onerror = () => { lost = true; };
  source.onopen = () => { if (lost) { lost = false; counts(); later(); refresh(); } };
}
function rest() { source?.close(); source = null; }
// A hidden tab gives up its line, of which a browser has few, and looks from time to time for what its title shows.
let unseen = null;
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { unseen = setInterval(() => counts().catch(() => {}), 20000); return rest(); }
  clearInterval(unseen);
  listen();
  counts();
  refresh();
});
addEventListener("pagehide", rest);
addEventListener("pageshow", (event) => { if (event.persisted) { listen(); refresh(); } });

// MARK: drafts

{
  const sent = sessionStorage.getItem("usher-sent-draft");
  if (sent) {
    sessionStorage.removeItem("usher-sent-draft");
    if (["sent", "noted", "next"].includes(new URLSearchParams(location.search).get("said"))) localStorage.removeItem(sent);
  }
}
for (const form of document.querySelectorAll("form[data-draft]")) {
  const text = form.querySelector("textarea");
  const kind = form.elements.kind.value;
  const spare = `usher-draft-${desk.dataset.agent}-${desk.dataset.ticket}-${kind}`;
  const kept = document.querySelector("[data-kept]");
  let waiting = null, saved = text.value, wrote = 0, sending = false;
  // What the server never got is still here.
  const left = localStorage.getItem(spare);
  if (left && !text.value) { text.value = left; }
  async function keep() {
    waiting = null;
    if (sending || text.value === saved) return;
    const body = text.value;
    try {
      const answer = await post(form.dataset.draft, { kind, body });
      if (!answer.ok) throw new Error(answer.status);
      saved = body;
      if (text.value === body) localStorage.removeItem(spare);
      const { saved_at } = await answer.json();
      const time = Object.assign(document.createElement("time"), { dateTime: saved_at, className: "num" });
      kept.replaceChildren(words("Kept") + " ", time);
      portal.localTimes(kept);
    } catch {
      kept.textContent = words("Unkept");
      waiting = setTimeout(keep, 5000);
    }
  }
  text.addEventListener("input", () => {
    localStorage.setItem(spare, text.value);
    waiting ??= setTimeout(keep, 1000);
    if (Date.now() - wrote > 10000) { wrote = Date.now(); presence("writing"); }
  });
  addEventListener("pagehide", () => { if (!sending && text.value !== saved) keep(); });
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    sending = true;
    clearTimeout(waiting);
    // Once it was sent, the page that follows says so.
    sessionStorage.setItem("usher-sent-draft", spare);
  });
  text.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(form.querySelector("[data-send]")); } });
  // A pasted picture stands where it was pasted, by its name.
  portal.fileField(form.querySelector("input[type=file]"), form, form.querySelector("[data-chosen]"), (files) => {
    const names = files.filter((file) => file.type.startsWith("image/")).map((file) => `[${file.name}]`).join("\n");
    if (!names) return;
    text.setRangeText(names, text.selectionStart, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
  });
  const canned = form.querySelector("[data-canned]");
  if (canned) {
    canned.hidden = false;
    canned.addEventListener("change", async () => {
      if (!canned.value) return;
      const answer = await fetch(`${canned.dataset.canned}/${canned.value}`);
      canned.value = "";
      const trouble = form.querySelector("[data-canned-fault]");
      trouble.hidden = answer.status !== 422;
      if (answer.status === 422) trouble.textContent = await answer.text();
      if (!answer.ok) return;
      text.setRangeText(await answer.text(), text.selectionStart, text.selectionEnd, "end");
      text.dispatchEvent(new Event("input", { bubbles: true }));
      text.focus();
    });
  }
}
// A press on a label leaves the writing where it is, so that the open box does not close under the pointer.
document.querySelector(".composer")?.addEventListener("mousedown", (event) => { if (event.target.closest("label")) event.preventDefault(); });

// MARK: dialogs

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.querySelector("[data-close]")?.addEventListener("click", () => dialog.close());
  // Only a press that begins and ends beside the dialog closes it: whoever marks text may let go outside.
  let began = null;
  dialog.addEventListener("pointerdown", (event) => { began = event.target; });
  dialog.addEventListener("click", (event) => { if (event.target === dialog && began === dialog) dialog.close(); });
}
const action = document.getElementById("action");
// What was typed is kept on this device, and stands there again when the dialog is opened anew.
action?.addEventListener("close", () => {
  const texts = [...action.querySelectorAll("form[data-keep] :is(textarea, input[type=text])")];
  const kept = document.querySelector("[data-kept]");
  if (kept && texts.some((field) => field.value.trim())) kept.textContent = words("Kept");
});
function setUpDialog(form) {
  if (!form) return;
  form.querySelector("[data-cancel]")?.addEventListener("click", (event) => { event.preventDefault(); action.close(); });
  const field = form.querySelector("[aria-invalid=true]") ?? form.querySelector("textarea, select, input:not([type=hidden])");
  (field ?? form.querySelector("button"))?.focus();
}
/** An action's own page has the form; it is shown here without leaving the page. */
async function ask(link) {
  const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const form = page.querySelector(".sheet form");
  if (!answer.ok || !form) { location.href = link.href; return; }
  action.querySelector("h2").textContent = page.querySelector("h1").textContent;
  form.classList.remove("card");
  action.querySelector("[data-form]").replaceChildren(form);
  portal.sendOnce(form);
  portal.localTimes(form);
  if (form.dataset.keep) portal.keepWords(form);
  if (!action.open) action.showModal();
  setUpDialog(form);
}
// A form that came back with a fault stands open already.
if (action?.open) {
  action.close();
  action.showModal();
  setUpDialog(action.querySelector("form"));
}
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-dialog]");
  if (link && action && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    link.closest("details.more")?.removeAttribute("open");
    ask(link);
  }
  const quote = event.target.closest?.("[data-quote]");
  if (quote) quoteEntry(quote.closest(".entry"));
  const copied = event.target.closest?.("[data-copy-link]");
  if (copied && navigator.clipboard) {
    event.preventDefault();
    navigator.clipboard.writeText(copied.href).catch(() => {});
    copied.lastChild.textContent = words("Copied");
  }
  const step = event.target.closest?.("[data-move]");
  if (step) move(Number(step.dataset.move));
  for (const details of document.querySelectorAll(".more[open]")) if (!details.contains(event.target)) details.open = false;
});
/** What somebody wrote, as a quotation in the reply. */
function quoteEntry(entry) {
  const text = document.getElementById("reply-body");
  if (!text) return;
  entry.querySelector(".more").open = false;
  const prose = entry.querySelector(".prose").cloneNode(true);
  for (const part of prose.querySelectorAll(".quoted")) part.remove();
  for (const end of prose.querySelectorAll("p, li, div, br")) end.append("\n");
  const lines = prose.textContent.replace(/\n{3,}/g, "\n\n").trim().split("\n").map((line) => "> " + line.trim()).join("\n");
  document.getElementById("tab-reply").checked = true;
  text.setRangeText((text.value && !text.value.endsWith("\n") ? "\n" : "") + lines + "\n\n", text.value.length, text.value.length, "end");
  text.dispatchEvent(new Event("input", { bubbles: true }));
  text.focus();
}
for (const button of document.querySelectorAll("[data-keys]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    button.closest("details.more")?.removeAttribute("open");
    document.getElementById("keys")?.showModal();
  });
}

// MARK: lists

function setUpList() {
  const form = document.querySelector("form[data-list]");
  if (!form || form.dataset.ready) return;
  form.dataset.ready = "1";
  const boxes = () => [...form.querySelectorAll("input[name=number]")];
  const all = form.querySelector("[data-all]");
  const count = () => {
    const chosen = boxes().filter((box) => box.checked).length;
    const place = form.querySelector("[data-chosen-count]");
    if (place) place.textContent = chosen ? words("Selected", chosen) : "";
    if (all) { all.checked = chosen > 0 && chosen === boxes().length; all.indeterminate = chosen > 0 && !all.checked; }
  };
  const choose = (on) => { for (const box of boxes()) box.checked = on; count(); };
  if (all) all.hidden = false;
  const none = form.querySelector("[data-none]");
  if (none) { none.hidden = false; none.addEventListener("click", () => choose(false)); }
  form.addEventListener("change", (event) => event.target === all ? choose(all.checked) : count());
  count();
}

/** A row of a list as it stands beside a ticket. */
function paneRow(row) {
  const item = document.createElement("li");
  item.className = row.className;
  const from = row.querySelector("a.subject");
  const link = Object.assign(document.createElement("a"), { href: from.getAttribute("href") });
  const part = (style, ...content) => {
    const span = Object.assign(document.createElement("span"), { className: style, dir: "auto" });
    span.append(...content);
    return span;
  };
  const line = (...parts) => {
    const span = document.createElement("span");
    span.append(...parts.filter(Boolean));
    link.append(span);
  };
  const last = row.querySelector(".words");
  line(part("subject cut", ...from.firstElementChild.childNodes), row.querySelector(".c-due > span"));
  // A view need not show who asked, and when something happened last.
  const [who, ago] = [[...row.querySelectorAll(".c-who > span")].map((name) => name.textContent).join(" · "), row.querySelector(".c-updated")?.textContent ?? ""];
  if (who || ago) line(part("who cut", who), part("ago", ago));
  if (last) line(last, from.querySelector(".chip"));
  item.append(link);
  return item;
}

/** The list a ticket was opened from stands beside it. It is painted from memory at once and then read anew. */
async function pane() {
  const place = document.querySelector(".pane");
  if (!place?.dataset.pane) return;
  const name = "usher-pane-" + place.dataset.pane;
  const show = (html) => {
    if (place.dataset.shown === html) return;
    place.dataset.shown = html;
    const page = new DOMParser().parseFromString(html, "text/html");
    const top = place.scrollTop;
    const head = document.createElement("header");
    const title = document.createElement("h2");
    title.append(Object.assign(document.createElement("a"), { href: place.dataset.pane, textContent: page.querySelector("h1")?.textContent ?? "" }));
    head.append(title, ...page.querySelectorAll(".page-head > .quiet"));
    const list = Object.assign(document.createElement("ol"), { className: "rows" });
    list.append(...[...page.querySelectorAll(".tickets tbody tr:not(.group)")].map(paneRow));
    place.replaceChildren(head, list);
    const links = [...list.querySelectorAll("a")];
    const here = links.findIndex((link) => link.pathname === location.pathname);
    if (here >= 0) links[here].setAttribute("aria-current", "true");
    const count = document.querySelector("[data-place]");
    if (count) count.textContent = here >= 0 ? words("Place", here + 1, page.querySelector("[rel=next], [rel=first]") ? "…" : links.length) : "";
    // Where this ticket stood, so that the one after it is found when it has left the list.
    if (here >= 0) {
      try { sessionStorage.setItem("usher-order", JSON.stringify(links.map((link) => link.pathname))); } catch { /* full: J begins at the top then */ }
    }
    place.scrollTop = place.dataset.placed === undefined ? Number(sessionStorage.getItem(name + "-top") ?? 0) : top;
    if (place.dataset.placed === undefined && here >= 0) {
      place.dataset.placed = "";
      // The list stays where it was; it moves only as far as the open ticket needs.
      const [row, box] = [links[here].getBoundingClientRect(), place.getBoundingClientRect()];
      if (row.top < box.top + head.offsetHeight || row.bottom > box.bottom) links[here].scrollIntoView({ block: "center" });
    }
  };
  if (place.dataset.listens === undefined) {
    place.dataset.listens = "";
    addEventListener("pagehide", () => { try { sessionStorage.setItem(name + "-top", String(place.scrollTop)); } catch { /* full: the list begins at the open ticket */ } });
  }
  const before = sessionStorage.getItem(name);
  if (before && !place.dataset.shown) show(before);
  const answer = await fetch(place.dataset.pane, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const part = page.querySelector("form[data-list]");
  if (!part) return;
  part.querySelector(".bulk")?.remove();
  try { sessionStorage.setItem(name, part.outerHTML); } catch { /* full: it is only a picture of the list */ }
  show(part.outerHTML);
}

// MARK: keyboard

const rows = () => [...document.querySelectorAll(ticket ? ".pane .rows a" : ".tickets a.subject")];
function move(step) {
  const all = rows();
  const open = all.findIndex((link) => link === document.activeElement);
  const current = open >= 0 ? open : all.findIndex((link) => link.getAttribute("aria-current") === "true");
  const next = (ticket && current < 0 ? neighbour(all, step) : null) ?? all[Math.max(0, Math.min(all.length - 1, current + step))] ?? all[0];
  if (!next) return;
  if (ticket) { if (next.pathname !== location.pathname) location.href = next.href; return; }
  next.focus();
}
/** The ticket has left the list: the one that stood next to it there. */
function neighbour(all, step) {
  let order = [];
  try { order = JSON.parse(sessionStorage.getItem("usher-order") ?? "[]"); } catch { /* something else wrote there */ }
  const here = order.indexOf(location.pathname);
  if (here < 0) return null;
  for (let index = here + step; index >= 0 && index < order.length; index += step) {
    const found = all.find((link) => link.pathname === order[index]);
    if (found) return found;
  }
  return null;
}
/** Ctrl K: what the page can do and where one can go. Where it does not arrive, the search is at hand. */
function palette() {
  const say = wordsOf(document.getElementById("palette"));
  import(desk.dataset.palette).then((module) => module.open(say), () => document.getElementById("find").focus());
}
let gone = 0;
document.addEventListener("keydown", (event) => {
  // The composer takes some keys for itself.
  if (event.defaultPrevented) return;
  const menu = event.key === "Escape" && !document.querySelector("dialog[open]") ? document.querySelector(".more[open]") : null;
  if (menu) { event.preventDefault(); menu.open = false; menu.querySelector("summary").focus(); return; }
  if (event.key === "Escape" && event.target.matches?.("textarea, input") && !event.target.closest("dialog")) { event.target.blur(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) {
    if ((event.ctrlKey || event.metaKey) && event.key === "k") { event.preventDefault(); palette(); }
    return;
  }
  if (event.target.matches?.("input:not([type=checkbox], [type=radio]), textarea, select")) return;
  const key = event.key;
  if (Date.now() - gone < 1000) {
    gone = 0;
    const list = { n: "next", e: "escalated", m: "mine", a: "answered", u: "unassigned", t: "teams", o: "open", w: "waiting", c: "closed" }[key];
    if (list) { event.preventDefault(); location.href = "/desk?list=" + list; return; }
  }
  if (key === "g") { gone = Date.now(); return; }
  if (key === "j" || key === "k") { event.preventDefault(); move(key === "j" ? 1 : -1); return; }
  if (key === "x") { const box = document.activeElement?.closest?.("tr")?.querySelector("input"); if (box) { event.preventDefault(); box.click(); } return; }
  if (key === "?") { event.preventDefault(); document.getElementById("keys")?.showModal(); return; }
  const place = document.querySelector(`[data-key~="${CSS.escape(key)}"]`);
  if (!place) return;
  event.preventDefault();
  if (place.matches("[type=radio]")) { place.checked = true; document.getElementById(place.id.replace("tab-", "") + "-body").focus(); }
  else if (place.matches("input")) place.focus();
  else place.click();
});
for (const tab of document.querySelectorAll(".tabs input")) tab.addEventListener("change", () => document.getElementById(tab.id.replace("tab-", "") + "-body").focus());

// MARK: start

portal.start();
setUpList();
titleCount();
pane();
listen();
// Buttons and keys for writing; where they do not arrive the box is still there.
const composer = document.querySelector("[data-writing]");
if (composer) await import(composer.dataset.writing).then((writing) => writing.start(composer), console.error);
if (document.querySelector(".nav[data-stale]")) countViews(0);
desk.dataset.ready = "";

// MARK: taking a reply back

for (const takeBack of document.querySelectorAll("[data-takeback]")) {
  let left = Number(takeBack.dataset.takeback);
  const count = takeBack.querySelector(".num");
  const bar = takeBack.querySelector("progress");
  const clock = setInterval(() => {
    left -= 1;
    count.textContent = String(Math.max(0, left));
    bar.value = Math.max(0, left);
    if (left > 0) return;
    clearInterval(clock);
    // Its place stays, so that nothing on the page jumps.
    takeBack.querySelector("button").disabled = true;
    takeBack.style.visibility = "hidden";
  }, 1000);
}

// MARK: the preview of a mail's text

for (const place of document.querySelectorAll("[data-preview]")) {
  const form = place.closest("form");
  let waiting = null;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const answer = await post(place.dataset.preview, { subject: form.elements.subject.value, body: form.elements.body.value });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      place.replaceChildren(...page.body.childNodes);
    }, 300);
  });
}

// MARK: a search over what a page lists

for (const field of document.querySelectorAll("[data-filter]")) {
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLocaleLowerCase().split(/\s+/);
    for (const item of document.querySelectorAll(field.dataset.filter)) {
      const text = item.textContent.toLocaleLowerCase();
      item.hidden = !wanted.every((word) => text.includes(word));
    }
    for (const card of document.querySelectorAll(".groups .card")) card.hidden = !card.querySelector("li:not([hidden])");
  });
}

// MARK: links to hand over

for (const button of document.querySelectorAll("[data-copies]")) {
  const field = document.getElementById(button.dataset.copies);
  button.hidden = false;
  field.addEventListener("focus", () => field.select());
  button.addEventListener("click", async () => {
    field.select();
    try { await navigator.clipboard.writeText(field.value); } catch { document.execCommand("copy"); }
    button.textContent = button.dataset.done;
  });
}

// MARK: account

// Whoever wants a mail at an hour means their own clock.
document.querySelector("select[name=digest]")?.addEventListener("change", ({ target }) => {
  const zone = target.form.elements.time_zone;
  if (zone.value === "UTC") zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
});
