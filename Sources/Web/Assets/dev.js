// Only while Usher is worked on: reloads the page when the program or its files were made anew.
let known = null;
async function look() {
  try {
    const answer = await fetch("/dev/version", { cache: "no-store" });
    const version = await answer.text();
    if (known && answer.ok && version !== known) location.reload();
    if (answer.ok) known = version;
  } catch { /* the program is being built */ }
  setTimeout(look, 400);
}
look();
