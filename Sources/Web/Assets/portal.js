// Customers' pages: times in the reader's own zone, words kept on the device until they are sent, files dropped and pasted.
// Everything here also works without this file, only less comfortably.

export function localTimes(root = document) {
  const today = new Date().toDateString();
  for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const moment = new Date(time.dateTime);
    if (isNaN(moment)) continue;
    const isToday = moment.toDateString() === today;
    // The page's language as the reader's country writes it.
    const page = document.documentElement.lang;
    const language = navigator.languages.find((wish) => wish.split("-")[0] === page) ?? page;
    time.textContent = isToday
      ? moment.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" })
      : moment.toLocaleString(language, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
    time.title = moment.toLocaleString(language, { dateStyle: "full", timeStyle: "long" });
    time.dataset.local = "";
  }
}

// MARK: files

/** Files have no place where words are kept: they lie in a database of the browser, and no longer than a week. */
const longest = 7 * 24 * 3600 * 1000;
const database = (mode, act) => new Promise((done, fail) => {
  const opening = indexedDB.open("usher", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("files");
  opening.onerror = () => fail(opening.error);
  opening.onsuccess = () => {
    const step = opening.result.transaction("files", mode);
    const asked = act(step.objectStore("files"));
    step.oncomplete = () => { opening.result.close(); done(asked?.result); };
    step.onabort = () => { opening.result.close(); fail(step.error); };
  };
});

/** Keeps as many files as there is room for; none forgets what was kept. A browser that keeps nothing is no fault. */
export async function keepFiles(name, files, most = 0) {
  let size = 0;
  const fitting = files.filter((file) => (size += file.size) <= most);
  await database("readwrite", (box) => {
    if (fitting.length) box.put({ files: fitting, at: Date.now() }, name); else box.delete(name);
    box.openCursor().onsuccess = ({ target: { result: entry } }) => {
      if (!entry) return;
      if (Date.now() - entry.value.at > longest) entry.delete();
      entry.continue();
    };
  }).catch(() => {});
}
const keptFiles = (name) => database("readonly", (box) => box.get(name)).then((found) => found?.files ?? [], () => []);

/**
 * Chosen files are listed; more are added by dropping and pasting. With a name they are kept on this device, up to
 * `most` bytes, and are back when the page is read anew: `restored` hears of them, `pasted` of what was pasted, and
 * `removed` of what was taken out.
 */
export function fileField(input, area, list, { name, most, pasted, removed, restored } = {}) {
  const show = () => {
    list.replaceChildren(...[...input.files].map((file, index) => {
      const item = document.createElement("li");
      const label = Object.assign(document.createElement("span"), { className: "cut", textContent: file.name });
      const remove = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: "×" });
      remove.setAttribute("aria-label", `× ${file.name}`);
      remove.onclick = () => { set([...input.files].filter((_, other) => other !== index)); removed?.(file); };
      item.append(label, ` (${Math.max(1, Math.round(file.size / 1024))} KB) `, remove);
      return item;
    }));
  };
  const changed = () => { show(); if (name) keepFiles(name, [...input.files], most); };
  const set = (files) => {
    const all = new DataTransfer();
    for (const file of files) all.items.add(file);
    input.files = all.files;
    changed();
  };
  // Browsers call every pasted picture the same.
  const add = (files, isPasted) => {
    const numbered = (name, index) => name.replace(/^image(?=\.\w+$)/, `image-${input.files.length + index + 1}`);
    const named = !isPasted ? files
      : files.map((file, index) => new File([file], numbered(file.name, index), { type: file.type }));
    set([...input.files, ...named]);
    return named;
  };
  input.addEventListener("change", changed);
  area.addEventListener("dragover", (event) => { event.preventDefault(); area.classList.add("over"); });
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", (event) => {
    const files = [...event.dataTransfer.files];
    area.classList.remove("over");
    // Words that are dragged about stay the browser's.
    if (!files.length) return;
    event.preventDefault();
    add(files, false);
  });
  input.form?.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    const named = add(files, true);
    pasted?.(named);
  });
  if (!name) return;
  keptFiles(name).then((files) => {
    // What the browser or the server brought back is there already.
    const boxes = [...(input.form?.querySelectorAll("input[name=kept]") ?? [])];
    const names = boxes.map((box) => box.parentElement.textContent.trim());
    const known = new Set([...input.files].map((file) => file.name).concat(names));
    const missing = files.filter((file) => !known.has(file.name));
    if (missing.length) { set([...input.files, ...missing]); restored?.(missing); }
  });
}

// MARK: words

const isBox = (field) => ["checkbox", "radio"].includes(field.type);
// Boxes of one name are many.
const keyOf = (field) => isBox(field) ? `${field.name}=${field.value}` : field.name;
const valueOf = (field) => isBox(field) ? field.checked : field.value;
const givenTo = (field) => {
  if (isBox(field)) return field.defaultChecked;
  if (!field.matches("select")) return field.defaultValue;
  return ([...field.options].find((option) => option.defaultSelected) ?? field.options[0])?.value ?? "";
};

/**
 * What was typed is kept on this device until it was sent: what each field had then, and what the page had given it.
 * Where the page gives the same again, or nothing, the words come back. `told` hears of it; a form whose reader is told
 * gets the words back in any case.
 */
export function keepWords(form, name = "usher-" + form.dataset.keep, told = null) {
  // A key is typed as text, and does not lie about on a device any more than a password.
  const fields = [...form.elements].filter((field) => field.name && field.matches("input, select, textarea")
    && !["hidden", "file", "password", "submit"].includes(field.type)
    && !["website", "private_key"].includes(field.name))
    // A dialog's words are kept; what was chosen in it is chosen anew.
    .filter((field) => !form.closest("dialog") || field.matches("textarea, input[type=text]"));
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem(name) ?? "{}"); } catch { /* something else wrote there */ }
  const found = (field) => {
    const entry = kept[keyOf(field)];
    return typeof entry === "string" ? { is: entry, was: "" } : entry;
  };
  // A form that came back gives what was typed; what it had given at first is what counts.
  const isBack = form.querySelector(".fault:not([hidden]), [aria-invalid=true]") !== null;
  const given = new Map(fields.map((field) => [field, isBack && found(field) ? found(field).was : givenTo(field)]));
  let isRestored = false;
  for (const field of fields) {
    const entry = found(field);
    if (!entry || entry.is === valueOf(field)) continue;
    const isSame = entry.was === givenTo(field) || told && field.matches("textarea");
    if (!isSame && (isBox(field) || field.value)) continue;
    if (isBox(field)) field.checked = entry.is; else field.value = entry.is;
    isRestored = true;
  }
  const forget = () => localStorage.removeItem(name);
  if (isRestored) told?.(forget);
  // What the page gives by now needs no keeping.
  else if (told && !isBack && fields.every((field) => !found(field) || found(field).is === valueOf(field))) forget();
  form.addEventListener("input", () => {
    const values = {};
    for (const field of fields) values[keyOf(field)] = { is: valueOf(field), was: given.get(field) };
    const isChanged = fields.some((field) => valueOf(field) !== given.get(field));
    if (!isChanged) { forget(); return; }
    try { localStorage.setItem(name, JSON.stringify(values)); } catch { /* full: it is on the page */ }
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter?.name === "choose") return;
    sessionStorage.setItem("usher-sent", name);
  });
}

/** A page that comes after sending means that the words arrived; a form with faults brings them back itself. */
function forgetWhatWasSent() {
  const sent = sessionStorage.getItem("usher-sent");
  if (!sent) return;
  sessionStorage.removeItem("usher-sent");
  if (!new URLSearchParams(location.search).has("sent") && !new URLSearchParams(location.search).has("said")) return;
  localStorage.removeItem(sent);
  keepFiles(sent, []);
}

/** One press sends once. */
export function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sent, 8000);
  });
  addEventListener("pageshow", () => delete form.dataset.sent);
}

/** Light, dark or as the system is: chosen at once, and kept for the pages that follow. */
function themes() {
  for (const form of document.querySelectorAll("[data-theme-form]")) {
    form.addEventListener("submit", (event) => {
      const chosen = event.submitter?.value;
      if (!chosen) return;
      event.preventDefault();
      const root = document.documentElement;
      if (chosen === "system") delete root.dataset.theme; else root.dataset.theme = chosen;
      for (const button of form.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === event.submitter));
      fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, event.submitter)), redirect: "manual" });
    }, { capture: true });
  }
}

export function start() {
  themes();
  localTimes();
  forgetWhatWasSent();
  for (const area of document.querySelectorAll("[data-drop]")) {
    const input = area.querySelector("input[type=file]");
    const keep = input.form?.dataset.keep;
    fileField(input, area, area.querySelector("[data-chosen]"), {
      name: keep && "usher-" + keep, most: 25_000_000,
      // Nobody is asked to choose again what is there again.
      restored: (files) => {
        const again = area.querySelector(":scope > .fault");
        if (again && files.length === again.textContent.split(", ").length) again.hidden = true;
      },
    });
  }
  for (const form of document.querySelectorAll("form[data-keep]")) keepWords(form);
  for (const form of document.querySelectorAll("form[method=post]")) sendOnce(form);
  for (const button of document.querySelectorAll("[data-choose]")) {
    button.hidden = true;
    button.form.elements.topic?.addEventListener("change", () => button.form.requestSubmit(button));
  }
}

if (!document.querySelector(".desk")) start();
