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
    const answer = await fetch(stay.dataset.href, { credentials: "same-origin", cache: "no-store" }).catch(() => null);
    if (answer?.status === 204) start();
    // The session has ended meanwhile: the page asked for again says so, and shows nothing any more.
    else if (answer?.status === 403) location.reload();
  });
  document.addEventListener("htmx:afterRequest", start);
  start();
}
