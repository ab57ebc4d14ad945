// Replaces the content whenever the server sends another one. Selection and scroll position stay, because only what differs is touched.
const live = document.querySelector(".live");
const main = document.querySelector("main");
if (document.body.dataset.stream) {
  const source = new EventSource(document.body.dataset.stream);
  source.onopen = () => live.classList.add("on");
  source.onerror = () => live.classList.remove("on");
  source.onmessage = (event) => {
    const next = document.createElement("main");
    next.innerHTML = event.data;
    const old = [...main.children], fresh = [...next.children];
    fresh.forEach((node, index) => {
      if (!old[index]) main.append(node);
      else if (old[index].outerHTML !== node.outerHTML) old[index].replaceWith(node);
    });
    old.slice(fresh.length).forEach((node) => node.remove());
  };
}
