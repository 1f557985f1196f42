// The end of a session is announced two minutes before, and can be put off.
const box = document.querySelector("[data-session-end]");
const minutes = Number(document.body.dataset.sessionMinutes);
let timer;

function start() {
  clearTimeout(timer);
  box.hidden = true;
  timer = setTimeout(() => { box.hidden = false; }, (minutes - 2) * 60_000);
}

if (box && minutes > 2) {
  const stay = box.querySelector("[data-session-stay]");
  stay.addEventListener("click", async () => {
    const answer = await fetch(stay.dataset.href, { method: "HEAD", credentials: "same-origin", cache: "no-store" });
    // Sent elsewhere: the session has ended meanwhile, and the page says so by itself.
    if (answer.redirected) location.reload();
    else if (answer.ok) start();
  });
  document.addEventListener("htmx:afterRequest", start);
  start();
}
