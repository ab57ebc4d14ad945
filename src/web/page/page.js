// Keeps the page up to date: when the server has something new, the same address is read again and what differs is exchanged.
// What is open, selected or in focus stays so. Without scripts the page is complete, and one reloads it.
const live = document.querySelector(".live");

function exchange(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return old.replaceWith(fresh);
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  const kept = (name) => name === "open" && old.nodeName === "DETAILS";
  for (const { name, value } of fresh.attributes) if (!kept(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!kept(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  const keyed = new Map([...old.children].filter((child) => child.dataset.key).map((child) => [child.dataset.key, child]));
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const twin = child.dataset?.key ? keyed.get(child.dataset.key) : place?.dataset?.key ? undefined : place;
    if (!twin) {
      old.insertBefore(child, place);
    } else {
      if (twin === place) place = place.nextSibling;
      else old.insertBefore(twin, place);
      exchange(twin, child);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

let reading = false, again = false;
async function refresh() {
  if (reading) { again = true; return; }
  reading = true;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of ["main", "time.now"]) exchange(document.querySelector(part), fresh.querySelector(part));
    }
  } catch {
    live.hidden = true;
  } finally {
    reading = false;
    if (again) { again = false; refresh(); }
  }
}

const source = new EventSource("/stream");
source.onopen = () => { live.hidden = false; };
source.onerror = () => { live.hidden = true; };
// The first word comes with the connection: something may have happened since the page was loaded, or while it was lost.
source.onmessage = refresh;
// Times are told from now.
setInterval(() => { if (!document.hidden) refresh(); }, 30000);
