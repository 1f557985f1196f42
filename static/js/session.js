// What is shown to somebody signed in leaves the screen when their session ends, in every window. That is announced
// two minutes before, and can be put off.
const { sessionSeconds, sessionOf } = document.body.dataset;
const WARNED = 120_000; // milliseconds
const windows = new BroadcastChannel("session");

if (sessionOf === undefined) windows.postMessage({}); // a way in or out: others look for themselves
else if (document.querySelector("[data-session-end]")) guard();

function guard() {
  const box = document.querySelector("[data-session-end]");
  const said = document.querySelector("[data-session-said]");
  const stay = box.querySelector("[data-session-stay]");
  let deadline, timer;

  function start(seconds) {
    deadline = Date.now() + seconds * 1000;
    look();
  }

  // Timers sleep with the computer: what counts is what time it is.
  function look() {
    clearTimeout(timer);
    const left = deadline - Date.now();
    if (left <= 0) return over();
    const soon = left <= WARNED;
    if (box.hidden === soon) {
      box.hidden = !soon;
      said.textContent = soon ? box.innerText : "";
    }
    timer = setTimeout(look, soon ? left : left - WARNED);
  }

  function over() {
    clearTimeout(timer);
    const words = document.querySelector("[data-session-over]");
    const title = document.createElement("h1"), main = document.createElement("main");
    document.title = title.textContent = words.dataset.sessionOver;
    main.className = "page door-page";
    main.tabIndex = -1;
    main.append(title, words.content.cloneNode(true));
    document.body.replaceChildren(main);
    main.focus();
    // Asked for again, without what was typed: the house says who may see it.
    location.replace(location.pathname + location.search);
  }

  function live(seconds) {
    start(seconds);
    windows.postMessage({ of: sessionOf, seconds });
  }

  async function ask() {
    const answer = await fetch(stay.dataset.href, { credentials: "same-origin", cache: "no-store" }).catch(() => null);
    if (answer?.status === 204 && answer.headers.get("Session-Of") === sessionOf) {
      live(Number(answer.headers.get("Session-Seconds")));
    } else if (answer && answer.status < 500) over();
  }

  windows.addEventListener("message", ({ data }) => {
    if (data.of === sessionOf) start(data.seconds);
    else if (data.of === undefined) ask();
    else over(); // somebody else came in
  });
  stay.addEventListener("click", ask);
  // What a page asks again by itself, on a timer, is nobody's gesture.
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!("Asked-Alone" in detail.requestConfig.headers)) live(Number(sessionSeconds));
  });
  document.addEventListener("visibilitychange", look);
  // A page kept aside by the browser comes back empty, until it is asked for again.
  addEventListener("pagehide", (event) => { document.documentElement.hidden = event.persisted; });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  live(Number(sessionSeconds));
}
