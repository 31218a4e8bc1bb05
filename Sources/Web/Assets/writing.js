// Writing tools of the composer: marks by button and key, lists that go on, formatted text pasted as Markdown.
// Without this file the box takes what is typed. Nothing here knows the rest of the page: edits arrive there as input.
const { address, markdown } = await import(document.querySelector("[data-rich-text]").dataset.richText);

/** One step of the browser's own undo, which `setRangeText` would empty: that is for browsers without the command. */
export function put(text, from, to, words, start = from + words.length, end = start) {
  text.focus();
  text.setSelectionRange(from, to);
  if (!document.execCommand(words ? "insertText" : "delete", false, words)) {
    text.setRangeText(words, from, to, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }
  text.setSelectionRange(start, end);
}

/** Puts words where the caret is and sets them apart from what stands there: by a space, or by a blank line. */
export function insert(text, words, isBlock) {
  const { value, selectionStart: from, selectionEnd: to } = text;
  const [before, after] = [value.slice(0, from), value.slice(to)];
  const gap = !before || (isBlock ? before.endsWith("\n\n") : /\s$/.test(before)) ? ""
    : !isBlock ? " " : before.endsWith("\n") ? "\n" : "\n\n";
  const rest = !after || (isBlock ? after.startsWith("\n\n") : /^\s/.test(after)) ? ""
    : !isBlock ? " " : after.startsWith("\n") ? "\n" : "\n\n";
  put(text, from, to, gap + (isBlock ? words.trimEnd() : words) + rest);
}

const lineStart = (value, at) => value.slice(0, at).lastIndexOf("\n") + 1;
const lineEnd = (value, at) => at + /^.*/.exec(value.slice(at))[0].length;
/** The lines a selection touches; one that ends at a line's beginning does not touch that line. */
function touched({ value, selectionStart, selectionEnd: end }) {
  const begin = lineStart(value, selectionStart);
  const last = lineEnd(value, end > selectionStart && value[end - 1] === "\n" ? end - 1 : end);
  return { begin, end: last, lines: value.slice(begin, last).split("\n") };
}
const inFence = (value, at) => (value.slice(0, lineStart(value, at)).match(/^ {0,3}(```|~~~)/gm) ?? []).length % 2 > 0;

// MARK: marks

const signs = { bold: ["**"], italic: ["_", "*"], code: ["`"] };
const run = (value, at, step, sign) => { let n = 0; while (value[at + n * step] === sign[0]) n += 1; return n; };
// Two stars are no italic, three are both.
const fits = (count, sign) => sign.length === 2 ? count >= 2 : count % 2 === 1;

function mark(text, kind) {
  const { value } = text;
  let [from, to] = [text.selectionStart, text.selectionEnd];
  // Marks hold only where they touch the words.
  while (from < to && /\s/.test(value[from])) from += 1;
  while (to > from && /\s/.test(value[to - 1])) to -= 1;
  const words = value.slice(from, to);
  if (words.includes("\n")) return kind === "code" ? fence(text) : markLines(text, from, to, signs[kind][0]);
  for (const sign of signs[kind]) {
    const size = sign.length;
    // Directly around the words, or around the other kind of mark around them.
    for (const far of [0, size === 2 ? 1 : 2]) {
      const [left, right] = [from - far, to + far];
      const between = value.slice(Math.max(0, left), from) + value.slice(to, right);
      const around = Math.min(run(value, left - 1, -1, sign), run(value, right, 1, sign));
      if (!/^[*_]*$/.test(between) || !fits(around, sign)) continue;
      return put(text, left - size, right + size, value.slice(left, right), from - size, to - size);
    }
    const own = Math.min(run(words, 0, 1, sign), run(words, words.length - 1, -1, sign));
    if (words.length > 2 * size && fits(own, sign)) {
      return put(text, from, to, words.slice(size, -size), from, to - 2 * size);
    }
    // At the end of marked words the key leads out of them.
    if (from === to && /\S/.test(value[from - 1] ?? " ") && fits(run(value, to, 1, sign), sign)) {
      return text.setSelectionRange(to + size, to + size);
    }
  }
  const sign = kind === "italic" && /\w/.test((value[from - 1] ?? "") + (value[to] ?? "")) ? "*" : signs[kind][0];
  put(text, from, to, sign + words + sign, from + sign.length, to + sign.length);
}
/** Marks end with a paragraph, so each line has its own. */
function markLines(text, from, to, sign) {
  const parts = text.value.slice(from, to).split("\n").map((line) => {
    const before = item.exec(line)[0];
    return [before, line.slice(before.length).trim()];
  });
  const size = sign.length;
  const marked = ([, words]) => words.length > 2 * size && words.startsWith(sign) && words.endsWith(sign);
  const isOff = parts.filter(([, words]) => words).every(marked);
  const made = parts.map(([before, words]) =>
    before + (isOff ? words.slice(size, -size) : words && sign + words + sign)).join("\n");
  put(text, from, to, made, from, from + made.length);
}
function fence(text) {
  const { begin, end, lines } = touched(text);
  const isOff = lines.length > 1 && lines[0].startsWith("```") && lines.at(-1).startsWith("```");
  const made = isOff ? lines.slice(1, -1).join("\n") : "```\n" + lines.join("\n") + "\n```";
  put(text, begin, end, made, begin, begin + made.length);
}

const isAddress = (words) => words.length < 2000 && /^(https?:\/\/|mailto:)[^\s<>]+$/i.test(words);

function link(text) {
  const { value, selectionStart: from, selectionEnd: to } = text;
  const words = value.slice(from, to);
  const whole = /^\[([^\]\n]*)\]\([^)\n]*\)$/.exec(words);
  if (whole) return put(text, from, to, whole[1], from, from + whole[1].length);
  const rest = /^\]\([^)\n]*\)/.exec(value.slice(to, to + 2000));
  if (value[from - 1] === "[" && rest) return put(text, from - 1, to + rest[0].length, words, from - 1, to - 1);
  if (isAddress(words)) return put(text, from, to, `[](${address(words)})`, from + 1);
  put(text, from, to, `[${words}]()`, words ? to + 3 : from + 1);
}

// MARK: lists and quotes

/** What a line begins with: marks of quotes and indentation, an item's sign, the space behind it, a box to tick. */
const item = /^((?:[ \t]*>)*[ \t]*)(?:([-*+]|\d{1,9}[.)])([ \t]+)(\[[ xX]\][ \t]+)?)?/;

function prefix(text, kind) {
  const { begin, end, lines } = touched(text);
  const { selectionStart: from, selectionEnd: to } = text;
  const own = { list: /^(\s*)[-*+] (\[[ xX]\] )?/, numbers: /^(\s*)\d+[.)] /, quote: /^()> ?/ }[kind];
  const full = lines.filter((line) => line.trim());
  const isOff = full.length > 0 && full.every((line) => own.test(line));
  let number = 0;
  const made = lines.map((line) => {
    if (isOff) return line.replace(own, "$1");
    if (kind === "quote") return line || lines.length === 1 ? "> " + line : ">";
    if (!line.trim() && lines.length > 1) return line;
    number += 1;
    const bare = line.replace(/^(\s*)(?:[-*+] (?:\[[ xX]\] )?|\d+[.)] )/, "$1");
    return bare.replace(/^\s*/, (space) => `${space}${kind === "list" ? "-" : number + "."} `);
  }).join("\n");
  if (from !== to) return put(text, begin, end, made, begin, begin + made.length);
  put(text, begin, end, made, Math.max(begin, from + made.length - (end - begin)));
}

function enter(text) {
  const { value, selectionStart: from, selectionEnd: to } = text;
  const begin = lineStart(value, from);
  const [all, lead, sign, space, box] = item.exec(value.slice(begin, from));
  if (!sign && !lead.includes(">") || inFence(value, from)) return false;
  const end = lineEnd(value, to);
  if (from === to && !value.slice(begin + all.length, end).trim()) {
    // A blank line keeps what follows out of the item above it.
    const above = value.slice(lineStart(value, begin - 1), Math.max(0, begin - 1));
    const stays = sign && lead.includes(">") ? lead : "";
    put(text, begin, end, (above.slice(item.exec(above)[1].length).trim() ? stays.trimEnd() + "\n" : "") + stays);
  } else {
    const next = sign && /\d/.test(sign) ? Number.parseInt(sign) + 1 + sign.at(-1) : sign;
    put(text, from, to, "\n" + lead + (sign ? next + space + (box ? "[ ] " : "") : ""));
  }
  return true;
}

/** One step deeper means: below the words of the item above. A step that leads nowhere is not taken. */
function indent(text, isBack) {
  const { value, selectionStart: from, selectionEnd: to } = text;
  const { begin, end, lines } = touched(text);
  const [, lead, sign] = item.exec(lines[0]);
  if (!sign || inFence(value, begin)) return false;
  const above = value.slice(0, begin).split("\n").slice(0, -1).reverse();
  // A paragraph ends the list that stands before it.
  const stop = above.findIndex((line) => /^[^\s>]/.test(line) && !item.exec(line)[2]);
  const outer = above.slice(0, stop < 0 ? undefined : stop).map((line) => item.exec(line))
    .find(([, other, its]) => its && other.length <= lead.length - (isBack ? 1 : 0));
  const least = lead.includes(">") ? lead.lastIndexOf(">") + 2 : 0;
  if (isBack ? lead.length <= least : !outer) return false;
  const wanted = isBack ? outer?.[1].length ?? least : outer.slice(1, 4).join("").length;
  const step = wanted - lead.length;
  // Already below that item.
  if (!isBack && step <= 0) return true;
  const made = lines.map((line) => {
    const its = item.exec(line)[1].length;
    return line && line.slice(0, its + Math.min(0, step)) + " ".repeat(Math.max(0, step)) + line.slice(its);
  });
  const first = made[0].length - lines[0].length;
  const whole = made.join("\n");
  const start = Math.max(begin, from + first);
  put(text, begin, end, whole, start, Math.max(start, to + whole.length - (end - begin)));
  return true;
}

function paste(event, text) {
  const { value, selectionStart: from, selectionEnd: to } = text;
  const data = event.clipboardData;
  const html = data.getData("text/html"), plain = data.getData("text/plain").trim();
  // Files are the desk's to attach; only spreadsheets put a picture of the cells beside the cells.
  const isTable = /<table[\s>]/i.test(html);
  if (data.files.length > 0 && !isTable) return;
  const chosen = value.slice(from, to);
  if (isAddress(plain) && chosen.trim() && !/[\n\]]/.test(chosen) && !isAddress(chosen) && value[from - 1] !== "(") {
    event.preventDefault();
    return put(text, from, to, `[${chosen}](${address(plain)})`);
  }
  if (inFence(value, from) || data.types.includes("vscode-editor-data")) return;
  const made = markdown(html);
  if (!made || data.files.length > 0 && !made.includes("| --- |")) return;
  event.preventDefault();
  event.stopPropagation();
  // A list or a table begins a paragraph of its own.
  const gap = (words) => words && !words.endsWith("\n\n") ? words.endsWith("\n") ? "\n" : "\n\n" : "";
  const isBlock = /\n/.test(made) || /^(#{1,6}|[-*+>|]|\d+\.) /.test(made);
  const after = isBlock && value.slice(to) && !value.slice(to).startsWith("\n") ? "\n\n" : "";
  put(text, from, to, (isBlock ? gap(value.slice(0, from)) : "") + made + after);
}

// MARK: start

const isApple = /Mac|iP(hone|ad|od)/.test(navigator.platform);
const keys = { b: "bold", i: "italic", k: "link", e: "code" };
const shifted = { 7: "numbers", 8: "list", period: "quote" };
const act = (text, kind) => kind === "link" ? link(text) : kind in signs ? mark(text, kind) : prefix(text, kind);

function listen(text) {
  let isPlain = false;
  text.addEventListener("keydown", (event) => {
    isPlain = event.shiftKey && event.code === "KeyV";
    if (event.isComposing || event.altKey) return;
    const { key, shiftKey } = event;
    let isDone = false;
    if (isApple ? event.metaKey : event.ctrlKey) {
      const name = /^[a-z]$/i.test(key) ? key.toLowerCase() : event.code.replace(/^Key|^Digit/, "").toLowerCase();
      const kind = (shiftKey ? shifted : keys)[name];
      if (kind) { act(text, kind); isDone = true; }
    } else if (event.ctrlKey || event.metaKey) return;
    else if (key === "Enter" && !shiftKey) isDone = enter(text);
    else if (key === "Tab") isDone = indent(text, shiftKey);
    if (isDone) event.preventDefault();
  });
  // Pasting without format takes the words as they are; not every browser holds the rest back.
  text.addEventListener("paste", (event) => {
    if (!isPlain) paste(event, text);
    isPlain = false;
  });
}

/** One stop for Tab, arrows within (as ARIA's toolbar wants it). */
function toolbar(bar, text) {
  const buttons = [...bar.querySelectorAll("button")];
  const choose = (chosen) => { for (const button of buttons) button.tabIndex = button === chosen ? 0 : -1; };
  choose(buttons[0]);
  bar.setAttribute("aria-controls", text.id);
  if (isApple) for (const button of buttons) {
    button.title = button.title.replace("Ctrl ", "⌘").replace("Shift ", "⇧");
    button.setAttribute("aria-keyshortcuts", button.getAttribute("aria-keyshortcuts").replace("Control", "Meta"));
  }
  // A press leaves the caret, and on a phone the keyboard, where they are.
  bar.addEventListener("mousedown", (event) => event.preventDefault());
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) { choose(button); act(text, button.dataset.mark); }
  });
  bar.addEventListener("keydown", (event) => {
    const forth = getComputedStyle(bar).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    const here = buttons.indexOf(document.activeElement);
    const steps = { ArrowLeft: -1, ArrowRight: -1, [forth]: 1, Home: -here, End: buttons.length - 1 - here };
    if (!(event.key in steps) || here < 0) return;
    event.preventDefault();
    const next = buttons.at((here + steps[event.key]) % buttons.length);
    choose(next);
    next.focus();
  });
}

export function start(composer) {
  for (const form of composer.querySelectorAll("form.box")) {
    const text = form.querySelector("textarea");
    const bar = composer.querySelector("template").content.firstElementChild.cloneNode(true);
    form.querySelector(".foot").prepend(bar);
    toolbar(bar, text);
    listen(text);
  }
}
