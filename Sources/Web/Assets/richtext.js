// What other programs copy, as Markdown for the composer: words and their form, nothing else. No page is changed here.

/** An address as it stands in a link's brackets. */
export const address = (words) => words.replace(/[\s()<>\\]/g, (sign) => "%" + sign.charCodeAt(0).toString(16));

/** Formatted text as Markdown; null where nothing is formatted, or where it is too much to look through. */
export function markdown(html) {
  if (html.length > 200_000 || html.split("<").length > 12_000) return null;
  // The page's policy refuses styles and handlers also where nothing is shown, and says so in the console.
  const quiet = html.replace(/<[^<>]*>/g, (tag) => tag.replace(/\sstyle\s*=/gi, " data-css=")
    .replace(/\son\w+\s*=/gi, " data-on=").replace(/^<(\/?)style\b/i, "<$1x-style"));
  const page = new DOMParser().parseFromString(quiet, "text/html");
  for (const part of page.querySelectorAll("x-style, script, title, noscript, template, iframe, object, svg, math, "
    + "select, textarea, button, audio, video, canvas, [hidden]")) part.remove();
  const seen = { rich: false, cells: 0 };
  const blocks = read(page.body, seen, 0);
  return seen.rich && seen.cells < 20_000 ? joined(blocks) : null;
}
const joined = (blocks) => blocks.reduce((text, { words, isClose }, index) =>
  text + (index === 0 ? "" : isClose ? "\n" : "\n\n") + words, "");
const below = (words, width) => words.replace(/\n(?=[^\n])/g, "\n" + " ".repeat(width));
/** More ticks than stand anywhere in the words. */
const fenced = (words, least) =>
  "`".repeat((words.match(/`+/g) ?? []).reduce((most, ticks) => Math.max(most, ticks.length + 1), least));

/** The paragraphs and other blocks of an element. Depth is bounded: each level is written before each line. */
function read(element, seen, depth) {
  const blocks = [];
  let runs = [];
  const push = (words, isList) => { seen.rich = true; if (words) blocks.push({ words, isList }); };
  const flush = () => {
    for (const words of paragraphs(runs, seen)) blocks.push({ words });
    runs = [];
  };
  const within = (node, look) => { for (const child of node.childNodes) visit(child, look); };
  const line = () => { if (runs.length > 0 && runs.at(-1).words !== "\n") runs.push({ words: "\n" }); };
  const inner = (node) => read(node, seen, depth + 1);
  function visit(node, look) {
    if (node.nodeType === Node.TEXT_NODE) {
      const words = node.data.replace(/[\s\u00a0]+/g, " ");
      if (words) runs.push({ ...look, words });
    }
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    const name = node.localName, css = node.dataset.css ?? "";
    if (/display:\s*none/.test(css)) return;
    const own = looks(node, name, css, look);
    if (depth < 12) {
      if (name === "blockquote") {
        flush();
        return push(joined(inner(node)).replace(/^/gm, "> ").replace(/ +$/gm, ""));
      }
      if (name === "ul" || name === "ol") { flush(); return push(list(node, seen, depth), true); }
      const rows = name === "table" && !node.querySelector("table") && table(node, seen, inner);
      if (rows) { flush(); return push(rows); }
    }
    if (name === "br") runs.push({ ...look, words: "\n" });
    else if (name === "img") runs.push({ ...look, words: node.alt });
    else if (name === "input" && node.type === "checkbox") runs.push({ words: node.checked ? "[x] " : "[ ] " });
    else if (name === "hr") { flush(); push("---"); }
    else if (name === "pre") {
      flush();
      const words = node.textContent.replace(/\n$/, ""), ticks = fenced(words, 3);
      push(`${ticks}\n${words}\n${ticks}`);
    } else if (/^h[1-6]$/.test(name)) {
      flush();
      within(node, {});
      const words = paragraphs(runs.map((part) => ({ ...part, bold: undefined })), seen).join(" ").replace(/\s+/g, " ");
      runs = [];
      push(words && "#".repeat(Number(name[1])) + " " + words);
    } else if (/^(p|section|article|header|footer|main|aside|nav|figure|table|dl|form|fieldset|details)$/.test(name)) {
      flush();
      within(node, own);
      flush();
    } else if (/^(div|li|dt|dd|tr|address|center|caption|figcaption|summary|legend)$/.test(name)) {
      line();
      within(node, own);
      line();
    } else within(node, own);
    if (name === "td" || name === "th") runs.push({ words: " " });
  }
  within(element, {});
  flush();
  return blocks;
}

function looks(node, name, css, look) {
  const own = { ...look };
  const weight = /font-weight:\s*(\w+)/.exec(css)?.[1], slant = /font-style:\s*(\w+)/.exec(css)?.[1];
  if (weight ? /^(bold|[6-9]00)/.test(weight) : /^(b|strong)$/.test(name)) own.bold = true;
  else if (weight) own.bold = undefined;
  if (slant ? slant === "italic" : /^(i|em)$/.test(name)) own.italic = true;
  else if (slant) own.italic = undefined;
  if (/^(s|del|strike)$/.test(name) || /text-decoration[\w-]*:[^;]*line-through/.test(css)) own.strike = true;
  if (/^(code|kbd|samp|tt)$/.test(name)) own.code = true;
  const target = name === "a" && node.getAttribute("href")?.trim();
  if (target && /^(https?|mailto|tel):/i.test(target)) own.href = target;
  return own;
}

/** Runs of text between the ends of lines, two of which end a paragraph. */
function paragraphs(runs, seen) {
  const made = [[]];
  let breaks = 0;
  for (const { words, ...look } of runs) {
    const paragraph = made.at(-1), last = paragraph.at(-1);
    if (words === "\n") { breaks += 1; continue; }
    const isNew = breaks > 0 || !last;
    const rest = isNew || last.words.endsWith(" ") ? words.trimStart() : words;
    if (!rest) continue;
    if (last && breaks > 1) made.push([]);
    else if (last && breaks > 0) { last.words = last.words.trimEnd(); paragraph.push({ ...look, words: "\n" }); }
    breaks = 0;
    made.at(-1).push({ ...look, words: rest });
  }
  return made.map((paragraph) => render(paragraph, ["href", "bold", "italic", "strike", "code"], seen).trim()
    .replace(/^(#{1,6} |>|-{3,}$|=+$)/gm, "\\$1").replace(/ *\n/g, "  \n")).filter(Boolean);
}

/** What stands together and looks alike gets one pair of marks around all of it. */
function render(runs, [key, ...others], seen) {
  let made = "";
  for (let begin = 0, end; begin < runs.length; begin = end) {
    const wish = runs[begin][key];
    for (end = begin; end < runs.length && runs[end][key] === wish; end += 1);
    const part = runs.slice(begin, end);
    const plain = part.map(({ words }) => words).join("");
    if (!key) return runs.map(({ words, code }) => code ? words : escaped(words)).join("");
    const inner = render(part, others, seen), words = inner.trim();
    let marked = words;
    if (wish && words && !(key === "href" && [wish, wish.replace(/^mailto:|\/$/g, "")].includes(plain.trim()))) {
      seen.rich = true;
      const ticks = key === "code" && fenced(words, 1), pad = /^`|`$/.test(words) ? " " : "";
      const edges = [(made.at(-1) ?? "") + inner[0], inner.at(-1) + (runs[end]?.words[0] ?? "")];
      const isInWord = edges.some((pair) => /\w\w/.test(pair));
      const sign = { bold: "**", strike: "~~", italic: isInWord ? "*" : "_" }[key];
      marked = key === "href" ? `[${words.replace(/\s+/g, " ")}](${address(wish)})`
        : key === "code" ? ticks + pad + words.replace(/\s+/g, " ") + pad + ticks : sign + words + sign;
    } else if (key === "href" && wish) marked = plain.trim();
    made += words ? inner.replace(words, () => marked) : inner;
  }
  return made;
}

/** Only what would be taken for a mark; addresses are left alone. */
const special = [
  /\\(?=[!-/:-@[-`{-~])/, /[*`]/, /(?<!\w)_(?=\S)/, /(?<=\S)_(?!\w)/, /(?<=\S)~/, /~~/, /\](?=[(:[])/, /<(?=[\w/!?])/,
  /&(?=#?\w+;)/];
const marks = new RegExp(special.map((sign) => sign.source).join("|"), "g");
const escaped = (words) =>
  words.split(/(https?:\/\/\S+)/).map((part, index) => index % 2 ? part : part.replace(marks, "\\$&")).join("");

function list(node, seen, depth) {
  const items = [];
  let number = Math.min(Number.parseInt(node.getAttribute("start")) || 1, 1e6), width = 0;
  for (const child of node.children) {
    // Some programs put a list beside the item it belongs to.
    const isLoose = /^[uo]l$/.test(child.localName) && items.length > 0;
    const blocks = isLoose ? [{ words: list(child, seen, depth + 1) }] : read(child, seen, depth + 1);
    blocks.forEach((block, index) => { block.isClose = block.isList && index > 0; });
    const words = joined(blocks);
    if (!words) continue;
    if (isLoose) { items.push(" ".repeat(width) + below(words, width)); continue; }
    const sign = node.localName === "ol" ? `${number}. ` : "- ";
    number += 1;
    width = sign.length;
    items.push(sign + below(words, width));
  }
  return items.join("\n");
}

/** A table with pipes; null where it only arranges what stands in it. */
function table(node, seen, inner) {
  const grid = [];
  [...node.rows].forEach((row, y) => {
    let x = 0;
    grid[y] ??= [];
    for (const cell of row.cells) {
      while (grid[y][x] !== undefined) x += 1;
      const words = joined(inner(cell)).replace(/\s*\n\s*/g, " ").replace(/\|/g, "\\|");
      const [wide, high] = [Math.min(cell.colSpan, 100), Math.min(cell.rowSpan || 1, node.rows.length - y)];
      if (x + wide > 99 || (seen.cells += wide * high) > 20_000) { seen.cells = 1e6; return; }
      for (let down = 0; down < high; down += 1) {
        for (let over = 0; over < wide; over += 1) (grid[y + down] ??= [])[x + over] = down || over ? "" : words;
      }
    }
  });
  const rows = grid.filter((row) => row.some(Boolean));
  const width = rows.reduce((most, row) => Math.max(most, row.findLastIndex(Boolean) + 1), 0);
  const isData = Array.from({ length: width }, (_, x) => rows.some((row) => row[x])).filter(Boolean).length > 1;
  if (!isData) return null;
  const lines = rows.map((row) => `| ${Array.from({ length: width }, (_, x) => row[x] ?? "").join(" | ")} |`);
  return [lines[0].replace(/\*\*/g, ""), `|${" --- |".repeat(width)}`, ...lines.slice(1)].join("\n");
}

