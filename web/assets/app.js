// What the pages gain where scripts run. They all work without.
//   data-script hidden       shown where scripts run
//   data-copy="TEXT" hidden  a button that copies TEXT
//   data-confirm="QUESTION"  of a form or a button that sends one: asked before it is sent
//   data-opens="ID"          a button that opens the dialog ID
//   data-key="a"             a button that the key presses, in the entry with the focus
(() => {
  "use strict";
  const one = (query, from = document) => from.querySelector(query);
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const entry = "main li > article";

  const reveal = (from) => all("[data-script], [data-copy]", from).forEach((e) => { e.hidden = false; });
  reveal(document);
  document.addEventListener("htmx:load", (event) => {
    one("#failed")?.remove();
    reveal(event.detail.elt);
    decided(event.detail.elt);
  });

  // What did not get through is told above the page; the focus stays for another try.
  function failed() {
    one("#failed")?.remove();
    const said = document.createElement("p");
    said.id = "failed";
    said.className = "flash bad";
    said.setAttribute("role", "alert");
    said.textContent = "This was not done; load the page again and try once more.";
    one("main").prepend(said);
  }
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:sendError", failed);

  // Browsers give the clipboard to pages over https alone; at home there is often none.
  async function copy(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const field = document.createElement("textarea");
      field.value = button.dataset.copy;
      button.after(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    const said = one("#said"), name = button.textContent;
    if (said.textContent) return;
    said.textContent = button.textContent = "Copied";
    setTimeout(() => { said.textContent = ""; button.textContent = name; }, 2000);
  }

  const current = () => document.activeElement.closest(entry) || one("main li:target > article");
  const link = (e) => e && one("h2 a, h3 a", e);

  function go(e) {
    if (!e) return;
    if (!link(e)) e.tabIndex = -1;
    (link(e) || e).focus({ preventScroll: true });
    e.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const list = all(entry), at = list.indexOf(current());
    go(at < 0 ? list.find((e) => e.getBoundingClientRect().top >= 0) : list[at + step]);
  }

  // An entry that was decided leaves the list: when the page is back, the focus is where it was.
  const place = "place " + location.pathname;
  function press(key) {
    const buttons = all("[data-key]", current() || one("main")).filter((b) => b.dataset.key === key);
    if (buttons.length !== 1) return false;
    if (current()) sessionStorage.setItem(place, all(entry).indexOf(current()));
    buttons[0].click();
    return true;
  }

  // One that was decided in its place: on to the next, if the focus went with what it was.
  function decided(e) {
    if (!e.matches("main article") || document.activeElement !== document.body) return;
    const list = all(entry), at = list.indexOf(e);
    sessionStorage.removeItem(place);
    go(list[at < 0 ? -1 : at + 1] || e);
  }

  const keys = {
    "/": () => (one("main [name=q]") || one("#find")).focus(),
    "?": () => one("#shortcuts").showModal(),
    j: () => move(1),
    k: () => move(-1),
    o: () => link(current())?.click(),
  };
  const on = one("#shortcuts-on");
  document.addEventListener("keydown", (event) => {
    const busy = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, dialog");
    if (busy || !on.checked || event.ctrlKey || event.metaKey || event.altKey) return;
    if (keys[event.key]) keys[event.key]();
    else if (!press(event.key)) return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.copy) copy(button);
    if (button?.dataset.opens) one("#" + button.dataset.opens).showModal();
  });
  document.addEventListener("submit", (event) => {
    const question = event.submitter?.dataset.confirm || event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  // Keys without Ctrl get in the way of speech input (WCAG 2.1.4), so they can be switched off.
  on.checked = localStorage.getItem("keys") !== "off";
  on.addEventListener("change", () => localStorage.setItem("keys", on.checked ? "on" : "off"));
  const left = sessionStorage.getItem(place);
  sessionStorage.removeItem(place);
  if (left) go(all(entry)[left] || all(entry).at(-1));
})();
