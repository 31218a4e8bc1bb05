// The workspace: live news, drafts, keyboard, dialogs, lists. Every page and form also works without this file.
const desk = document.querySelector(".desk");
const wordsOf = (place) => (name, ...values) => values.reduce((text, value, index) => text.replace(`{${index}}`, value), place.dataset["words" + name] ?? "");
const words = wordsOf(desk);
const post = (address, fields) => {
  const body = new URLSearchParams({ csrf: desk.dataset.csrf, ...fields });
  // Browsers take no more than 64 KB along when a page is left, and refuse a larger request whole.
  return fetch(address, { method: "POST", body, keepalive: body.toString().length < 60_000 });
};
const portal = await import(document.querySelector("meta[name=usher-portal]").content);
// A form that came back was sent to an address of its own; a reload and the news want the page's.
const own = document.querySelector("[data-address]")?.dataset.address;
if (own && new URL(own, location.href).pathname !== location.pathname) history.replaceState(null, "", own);

// MARK: putting words into a text, in steps that can be undone

let writing = null;
function replace(text, from, to, words) {
  if (writing) { writing.put(text, from, to, words); return; }
  text.setRangeText(words, from, to, "end");
  text.dispatchEvent(new Event("input", { bubbles: true }));
  text.focus();
}
/** Where the caret is, and apart from what stands around it: by a space, or by a blank line. */
function insert(text, words, isBlock) {
  if (writing) writing.insert(text, words, isBlock);
  else replace(text, text.selectionStart, text.selectionEnd, words);
}

// MARK: what the page says

/** Says something above the composer, or in a list's corner, and one thing at a time. */
let saying = null;
function tell(text) {
  const composer = document.querySelector(".composer");
  let place = document.querySelector(".undos");
  if (!place) {
    place = Object.assign(document.createElement("div"), { className: "undos" });
    const bars = Object.assign(document.createElement("div"), { className: "bars" });
    if (composer) { bars.append(place); composer.before(bars); } else desk.append(place);
  }
  let bar = place.querySelector("[data-told]");
  if (!bar) {
    bar = Object.assign(document.createElement("div"), { className: "undo" });
    bar.dataset.told = "";
    bar.append(Object.assign(document.createElement("span"), { className: "grow", role: "status" }));
    place.append(bar);
  }
  // A screen reader says what changes in a place that was there before.
  requestAnimationFrame(() => { bar.firstChild.textContent = text; });
  clearTimeout(saying);
  saying = setTimeout(() => bar.remove(), 8000);
}
const offline = () => words("Offline") || words("Unkept");
// Without a network a form would leave for the browser's own page; what was typed stays here instead.
addEventListener("submit", (event) => {
  const form = event.target;
  if (navigator.onLine || form.matches("[data-theme-form]") || event.submitter?.formMethod === "dialog") return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const kept = form.matches("[data-draft]") && document.querySelector("[data-kept]");
  if (kept) { kept.textContent = words("Unkept"); return; }
  if (!form.closest("dialog")) { tell(offline()); return; }
  // Behind a dialog nothing is seen.
  let place = form.querySelector("[data-told]");
  if (!place) {
    place = Object.assign(document.createElement("p"), { className: "fault", role: "alert" });
    place.dataset.told = "";
    form.prepend(place);
  }
  place.textContent = offline();
}, { capture: true });

// MARK: parts of the page that change

/** Reads the page anew and puts in what is different, but for where somebody writes. */
let refreshing = null, again = false;
// The writing of the page, and how often something happened to it.
const drafts = [];
let turn = 0;
async function refresh() {
  // What is being read may be from before the news.
  if (refreshing) { again = true; return refreshing; }
  refreshing = (async () => {
    const before = turn;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    renewMark(page);
    // What was written since is newer than this page.
    if (before === turn) for (const draft of drafts) draft.read(page);
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
      const top = part.querySelector(".grid-wrap")?.scrollTop ?? 0;
      part.replaceChildren(...fresh.childNodes);
      if (top) part.querySelector(".grid-wrap")?.scrollTo(0, top);
      // Whoever reads further up goes on reading there: the place is counted from the end.
      const grown = part.scrollHeight - height;
      if (part.dataset.refresh === "talk" && !wasAtEnd && grown) part.scrollTop -= grown;
      for (const box of part.querySelectorAll("input[name=number]")) box.checked = chosen.has(box.value);
      [...part.querySelectorAll("details")].forEach((details, index) => { if (opened.has(index)) details.open = true; });
      if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
      if (part.dataset.refresh === "talk") arrived(page, wasAtEnd);
    }
    setUpList();
  })().catch(() => { /* no network: the next news, or the tab's next look, asks again */ }).finally(() => {
    refreshing = null;
    if (again) { again = false; refresh(); }
  });
  return refreshing;
}

/** Whoever signed in anew, perhaps in another tab, has a new mark, which the forms of this page need too. */
function renewMark(page) {
  const fresh = page.querySelector(".desk")?.dataset;
  if (!fresh || fresh.agent !== desk.dataset.agent || fresh.csrf === desk.dataset.csrf) return;
  desk.dataset.csrf = fresh.csrf;
  for (const field of document.querySelectorAll("input[name=csrf]")) field.value = fresh.csrf;
}

const ticket = document.querySelector(".ticket");
// The conversation begins at its end, from which its place is counted backwards.
const scroller = document.querySelector(".ticket .scroll");
const atEnd = () => scroller && scroller.scrollTop > -80;
function arrived(page, wasAtEnd) {
  const last = page.querySelector(".ticket")?.dataset.last;
  if (!ticket || last === ticket.dataset.last) return;
  ticket.dataset.last = last;
  if (wasAtEnd && scroller.scrollTop) scroller.scrollTop = 0;
  if (!document.querySelector(".box textarea:not(:placeholder-shown)")) {
    for (const seen of document.querySelectorAll(".box [name=seen]")) seen.value = last;
    return;
  }
  // Somebody is writing here: they are told, and what they saw stays what they saw.
  const kept = document.querySelector("[data-kept]");
  if (kept) kept.textContent = words("New");
}

async function counts() {
  const answer = await fetch("/desk/counts").catch(() => null);
  if (answer?.ok) showCounts(await answer.json());
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
  viewsSoon ??= setTimeout(() => { viewsSoon = null; counts(); }, wait);
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
  if (document.hidden) { unseen = setInterval(() => counts(), 20000); return rest(); }
  clearInterval(unseen);
  listen();
  counts();
  refresh().then(() => { for (const draft of drafts) draft.keep(); });
});
addEventListener("pagehide", rest);
addEventListener("pageshow", (event) => { if (event.persisted) { listen(); refresh(); } });

// MARK: drafts

// What the server does not have yet lies on this device, by the ticket and the kind of writing: the words, by a mark
// what the server had then, and by another what the tabs of the same ticket had. Each tab hears what the others write.
const parsed = (text) => {
  if (!text) return null;
  try {
    const found = JSON.parse(text);
    if (typeof found?.body === "string" || typeof found?.sent === "string") return found;
  } catch { /* words as an earlier version kept them */ }
  return { body: text };
};
/** Tells texts apart without keeping both. */
const print = (text) => {
  let sum = 7;
  for (let index = 0; index < text.length; index += 1) sum = (sum * 31 + text.charCodeAt(index)) | 0;
  return `${text.length}:${sum}`;
};
/** Two texts of which neither may be lost. */
const both = (one, other) => one.includes(other.trim()) ? one : other.includes(one.trim()) ? other
  : `${one.trimEnd()}\n\n---\n\n${other}`;
const lay = (name, record) => {
  try { localStorage.setItem(name, JSON.stringify(record)); } catch { /* full: the server has it soon */ }
};

{
  const sent = sessionStorage.getItem("usher-sent-draft");
  if (sent) {
    sessionStorage.removeItem("usher-sent-draft");
    if (["sent", "noted", "next"].includes(new URLSearchParams(location.search).get("said"))) {
      const { spare, body } = JSON.parse(sent);
      // Other tabs hear that it was sent, and no longer show it as something to send.
      lay(spare, { sent: body });
      localStorage.removeItem(spare);
      portal.keepFiles(spare, []);
    }
  }
}
for (const form of document.querySelectorAll("form[data-draft]")) {
  const text = form.querySelector("textarea");
  const kind = form.elements.kind.value;
  const spare = `usher-draft-${desk.dataset.agent}-${desk.dataset.ticket}-${kind}`;
  const kept = document.querySelector("[data-kept]");
  // `saved` is what the server has, `known` what the other tabs have.
  let waiting = null, saved = text.defaultValue, known = saved, wrote = 0, sending = false, posting = false;
  const soon = (wait = 1000) => { waiting ??= setTimeout(keep, wait); };
  const note = () => {
    turn += 1;
    lay(spare, { body: text.value, saved: print(saved ?? ""), over: print(known) });
    known = text.value;
  };
  const put = (words) => {
    const caret = [text.selectionStart, text.selectionEnd];
    text.value = words;
    if (document.activeElement === text) text.setSelectionRange(...caret);
  };
  {
    // What the server never got is still here. It is newer where the server has what it had then; else both are kept,
    // and so is what somebody typed before this script came.
    const left = parsed(localStorage.getItem(spare));
    const begun = !left?.body ? saved : left.saved === print(saved) ? left.body : both(saved, left.body);
    const shown = text.value === saved ? begun : both(begun, text.value);
    // A form that came back shows what was typed, and not what the server keeps of it.
    const isBack = form.querySelector(".outrun, .fault:not([hidden])") !== null;
    if (left && left.body === saved && !isBack) localStorage.removeItem(spare);
    known = left?.body ?? saved;
    if (shown !== text.value) put(shown);
    if (isBack) saved = null;
    if (shown !== known) note();
    if (shown !== saved) soon();
  }
  async function keep(isAgain = false) {
    clearTimeout(waiting);
    waiting = null;
    if (sending || text.value === saved) return;
    if (posting && isAgain !== "leaving") { soon(); return; }
    const body = text.value;
    posting = true;
    turn += 1;
    try {
      const answer = await post(form.dataset.draft, { kind, body });
      if (!answer.ok) { posting = false; await refused(answer, isAgain); return; }
      const { saved_at } = await answer.json();
      saved = body;
      if (text.value === body) localStorage.removeItem(spare); else { note(); soon(); }
      const time = Object.assign(document.createElement("time"), { dateTime: saved_at, className: "num" });
      kept.replaceChildren(words("Kept") + " ", time);
      portal.localTimes(kept);
    } catch {
      kept.textContent = words("Unkept");
      soon(5000);
    } finally {
      posting = false;
      turn += 1;
    }
  }
  /** The server says why it does not take the words, and they stay here. */
  async function refused(answer, isAgain) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const title = page.querySelector("h1")?.textContent;
    if (answer.status === 401 && title) {
      const next = new URLSearchParams({ next: location.pathname + location.search });
      const link = Object.assign(document.createElement("a"), { href: "/sign-in?" + next, textContent: title });
      kept.replaceChildren((page.querySelector(".said")?.textContent ?? "") + " ", link);
    } else if (answer.status === 403 && isAgain !== "again") {
      // Somebody signed in anew in another tab: the page read anew has the mark of that.
      await refresh();
      return keep("again");
    } else kept.textContent = answer.status < 500 && title || words("Unkept");
    waiting ??= setTimeout(async () => { waiting = null; await refresh(); keep("again"); }, 10_000);
  }
  text.addEventListener("input", () => {
    note();
    soon();
    if (Date.now() - wrote > 10000) { wrote = Date.now(); presence("writing"); }
  });
  addEventListener("storage", (event) => {
    if (event.key !== spare) return;
    turn += 1;
    const [news, before] = [parsed(event.newValue), parsed(event.oldValue)];
    if (typeof news?.sent === "string") {
      if (text.value === news.sent) put("");
      saved = "";
      known = "";
      if (text.value) soon();
    } else if (!news) {
      // The other tab has brought its words to the server.
      if (before?.body === text.value) saved = text.value;
    } else if (news.body !== text.value) {
      const isAlone = news.over === print(text.value);
      put(isAlone ? news.body : both(text.value, news.body));
      known = news.body;
      if (isAlone) soon(10_000); else text.dispatchEvent(new Event("input", { bubbles: true }));
    } else known = news.body;
  });
  drafts.push({
    keep,
    /** Where nobody has written here since, the server's words are the newest: another device may have written them. */
    read(page) {
      const theirs = page.getElementById(text.id)?.value;
      if (theirs === undefined || theirs === saved || text.value !== saved || localStorage.getItem(spare)) return;
      put(theirs);
      saved = theirs;
      known = theirs;
    },
  });
  addEventListener("pagehide", () => { if (!sending && text.value !== saved) keep("leaving"); });
  addEventListener("pageshow", (event) => { if (event.persisted) sending = false; });
  addEventListener("online", () => keep());
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    sending = true;
    clearTimeout(waiting);
    waiting = null;
    // Once it was sent, the page that follows says so.
    sessionStorage.setItem("usher-sent-draft", JSON.stringify({ spare, body: text.value }));
  });
  text.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(form.querySelector("[data-send]")); } });
  // A pasted picture stands where it was pasted, by its name.
  portal.fileField(form.querySelector("input[type=file]"), form, form.querySelector("[data-chosen]"), {
    name: spare, most: 20_000_000,
    pasted: (files) => {
      const names = files.filter((file) => file.type.startsWith("image/")).map((file) => `[${file.name}]`).join("\n");
      if (names) insert(text, names);
    },
    // Nor does its name stay without it.
    removed: (file) => {
      const at = text.value.indexOf(`[${file.name}]`);
      if (at >= 0 && file.type.startsWith("image/")) replace(text, at, at + file.name.length + 2, "");
    },
  });
  const canned = form.querySelector("[data-canned]");
  if (canned) {
    canned.hidden = false;
    canned.addEventListener("change", async () => {
      if (!canned.value) return;
      const trouble = form.querySelector("[data-canned-fault]");
      const address = `${canned.dataset.canned}/${canned.value}`;
      canned.value = "";
      try {
        const answer = await fetch(address);
        const words = await answer.text();
        trouble.hidden = answer.status !== 422;
        if (answer.status === 422) trouble.textContent = words;
        if (answer.ok) insert(text, words, true);
      } catch { kept.textContent = offline(); }
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
  const isTyped = texts.some((field) => field.value.trim() && field.value !== field.defaultValue);
  if (kept && isTyped) kept.textContent = words("Kept");
});
function setUpDialog(form) {
  if (!form) return;
  form.querySelector("[data-cancel]")?.addEventListener("click", (event) => { event.preventDefault(); action.close(); });
  const field = form.querySelector("[aria-invalid=true]") ?? form.querySelector("textarea, select, input:not([type=hidden])");
  (field ?? form.querySelector("button"))?.focus();
}
/** An action's own page has the form; it is shown here without leaving the page. */
async function ask(link) {
  let answer, page;
  try {
    answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch { tell(offline()); return; }
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
  const gap = !text.value || text.value.endsWith("\n\n") ? "" : text.value.endsWith("\n") ? "\n" : "\n\n";
  replace(text, text.value.length, text.value.length, gap + lines + "\n\n");
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

/** Whoever comes back to a list from one of its tickets finds it where it was, with that ticket under the keys. */
{
  const place = document.querySelector(".grid-wrap");
  const here = location.pathname + location.search;
  const name = "usher-top-" + here;
  const from = ticket && document.querySelector(".pane")?.dataset.pane;
  if (from) sessionStorage.setItem("usher-left", JSON.stringify({ list: from, ticket: location.pathname }));
  if (place && !ticket) {
    let left = null;
    try { left = JSON.parse(sessionStorage.getItem("usher-left")); } catch { /* something else wrote there */ }
    sessionStorage.removeItem("usher-left");
    const isReturn = left?.list === here;
    const how = performance.getEntriesByType("navigation")[0]?.type;
    if (isReturn || how === "back_forward" || how === "reload") place.scrollTop = sessionStorage.getItem(name) ?? 0;
    const row = isReturn && [...place.querySelectorAll("a.subject")].find((link) => link.pathname === left.ticket);
    if (row && !document.querySelector("dialog[open]")) {
      row.focus({ preventScroll: true });
      const [box, line] = [place.getBoundingClientRect(), row.closest("tr").getBoundingClientRect()];
      if (line.top < box.top || line.bottom > box.bottom) row.closest("tr").scrollIntoView({ block: "center" });
    }
    addEventListener("pagehide", () => {
      const top = document.querySelector(".grid-wrap")?.scrollTop ?? 0;
      try { sessionStorage.setItem(name, String(top)); } catch { /* full: it begins at the top */ }
    });
  }
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
  const answer = await fetch(place.dataset.pane, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
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
if (composer) {
  writing = await import(composer.dataset.writing).catch(console.error) ?? null;
  writing?.start(composer);
}
if (document.querySelector(".nav[data-stale]")) countViews(0);
desk.dataset.ready = "";

// MARK: taking back what was just done

for (const takeBack of document.querySelectorAll("[data-takeback]")) {
  let left = Number(takeBack.dataset.takeback);
  const [count, bar, button] = [".num", "progress", "button"].map((part) => takeBack.querySelector(part));
  const clock = setInterval(() => {
    left -= 1;
    count.textContent = String(Math.max(0, left));
    bar.value = Math.max(0, left);
    if (left > 0) return;
    clearInterval(clock);
    button.disabled = true;
    if (takeBack.querySelector("a")) {
      // The ways on stay, and the words say what has become of it.
      for (const part of [count, bar, button]) part.style.visibility = "hidden";
      const words = takeBack.querySelector("[data-then]");
      if (words) words.textContent = words.dataset.then;
      return;
    }
    // The next bar takes its place; where there is none the place stays, so that nothing on the page jumps.
    if (takeBack.parentElement.children.length > 1) takeBack.hidden = true; else takeBack.style.visibility = "hidden";
  }, 1000);
}

// MARK: the preview of a mail's text

for (const place of document.querySelectorAll("[data-preview]")) {
  const form = place.closest("form");
  let waiting = null;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const fields = { subject: form.elements.subject.value, body: form.elements.body.value };
      const answer = await post(place.dataset.preview, fields).catch(() => null);
      if (!answer?.ok) return;
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

// MARK: forms of more than a line

// An article, a signature, a text of mails: what was typed is kept on this device until it is saved.
for (const form of document.querySelectorAll("main form[method=post]:not([data-keep], [data-draft], [data-list])")) {
  if (!form.querySelector("textarea")) continue;
  // A field may be called `action`.
  portal.keepWords(form, `usher-form-${desk.dataset.agent}-${form.getAttribute("action")}`, (forget) => {
    const notice = Object.assign(document.createElement("p"), { className: "said row spread", role: "status" });
    const discard = Object.assign(document.createElement("button"), { type: "button", className: "link" });
    discard.textContent = words("Discard") || "×";
    discard.addEventListener("click", () => { forget(); form.reset(); notice.remove(); });
    notice.append(words("Restored") || words("Kept"), discard);
    form.prepend(notice);
    const details = form.closest("details");
    if (details) details.open = true;
    form.dispatchEvent(new Event("input"));
  });
}

// What was just done is said once: whoever comes back to the page by Back, or opens it again, is not told anew.
setTimeout(() => {
  const address = new URL(location);
  for (const name of ["said", "done", "act", "refused"]) address.searchParams.delete(name);
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}, 3000);
