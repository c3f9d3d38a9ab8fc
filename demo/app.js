// The whole shop as an application: the page is an empty root until this script has asked for its data.
const root = document.getElementById("root");
const add = (name, facts) => document.body.append(Object.assign(document.createElement(name), facts));

fetch(`/api/page?path=${encodeURIComponent(location.pathname + location.search)}`)
  .then((answer) => answer.json())
  .then((page) => {
    document.title = page.title;
    document.head.insertAdjacentHTML("beforeend", page.head);
    root.innerHTML = page.body;
    add("script", { src: "/assets/shop.js" });
  })
  .catch(() => { root.textContent = "The shop does not answer. Reload the page."; });
