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

/** Chosen files are listed; more are added by dropping and pasting. */
export function fileField(input, area, list, pasted) {
  const show = () => {
    list.replaceChildren(...[...input.files].map((file, index) => {
      const item = document.createElement("li");
      item.append(`${file.name} (${Math.max(1, Math.round(file.size / 1024))} KB) `);
      const remove = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: "×" });
      remove.setAttribute("aria-label", `× ${file.name}`);
      remove.onclick = () => set([...input.files].filter((_, other) => other !== index));
      item.append(remove);
      return item;
    }));
  };
  const set = (files) => {
    const all = new DataTransfer();
    for (const file of files) all.items.add(file);
    input.files = all.files;
    show();
  };
  const add = (files) => set([...input.files, ...files]);
  input.addEventListener("change", show);
  area.addEventListener("dragover", (event) => { event.preventDefault(); area.classList.add("over"); });
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    add(event.dataTransfer.files);
  });
  const form = input.form;
  form?.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    // Browsers call every pasted picture the same.
    const named = files.map((file, index) => new File([file], file.name.replace(/^image(?=\.\w+$)/, `image-${input.files.length + index + 1}`), { type: file.type }));
    add(named);
    if (pasted) pasted(named, event.target);
  });
}

/** What was typed is kept on this device until it was sent. */
export function keepWords(form) {
  const name = "usher-" + form.dataset.keep;
  const fields = [...form.elements].filter((field) => field.name && !["hidden", "file", "password", "submit"].includes(field.type) && field.name !== "website")
    // A dialog's words are kept; what was chosen in it is chosen anew.
    .filter((field) => !form.closest("dialog") || field.matches("textarea, input[type=text]"));
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem(name) ?? "{}"); } catch { /* something else wrote there */ }
  for (const field of fields) {
    if (!(field.name in kept)) continue;
    if (field.type === "checkbox") field.checked = kept[field.name] === true;
    else if (!field.value) field.value = kept[field.name];
  }
  form.addEventListener("input", () => {
    const values = {};
    for (const field of fields) values[field.name] = field.type === "checkbox" ? field.checked : field.value;
    localStorage.setItem(name, JSON.stringify(values));
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
  if (new URLSearchParams(location.search).has("sent") || new URLSearchParams(location.search).has("said")) localStorage.removeItem(sent);
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
  for (const area of document.querySelectorAll("[data-drop]")) fileField(area.querySelector("input[type=file]"), area, area.querySelector("[data-chosen]"));
  for (const form of document.querySelectorAll("form[data-keep]")) keepWords(form);
  for (const form of document.querySelectorAll("form[method=post]")) sendOnce(form);
  for (const button of document.querySelectorAll("[data-choose]")) {
    button.hidden = true;
    button.form.elements.topic?.addEventListener("change", () => button.form.requestSubmit(button));
  }
}

if (!document.querySelector(".desk")) start();
