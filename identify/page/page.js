"use strict";
// One photo in, by whatever way, one answer shown. Names are set as text, never as HTML.
const $ = (id) => document.getElementById(id);
const MAX_MB = Number(document.body.dataset.maxMb);
const DETAILED = ["unreadable", "address"]; // problems whose detail helps the person
let language = "en";
let words = WORDS.en;
let last = null; // the answer shown, for a change of language
let shownUrl = null;
let asked = 0; // a later question makes an earlier answer stale
let camera = null;

function remembered() {
  try {
    return localStorage.getItem("language");
  } catch {
    return null; // storage is off
  }
}

function speak(chosen, isChoice) {
  language = chosen in WORDS ? chosen : "en";
  words = WORDS[language];
  document.documentElement.lang = language;
  document.title = `Solemap · ${words.title}`;
  for (const one of document.querySelectorAll("[data-word]")) one.textContent = words[one.dataset.word];
  for (const one of document.querySelectorAll("[data-label]")) one.setAttribute("aria-label", words[one.dataset.label]);
  for (const one of document.querySelectorAll("[data-language]"))
    one.setAttribute("aria-pressed", String(one.dataset.language === language));
  if (isChoice) {
    try {
      localStorage.setItem("language", language);
    } catch {
      // not remembered then
    }
  }
  $("status").textContent = "";
  if (last) show(last);
}

// --- asking

function askFile(file) {
  if (!file) return;
  if (file.size > MAX_MB * 1024 * 1024) return fail("too_large");
  const form = new FormData();
  form.append("photo", file, file.name || "photo");
  ask({ method: "POST", body: form }, URL.createObjectURL(file), null);
}

function askUrl(url) {
  // the page may load nothing from elsewhere, so the photo itself is not shown
  ask({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ url }) }, null, null);
}

async function askPicture(photoId, name) {
  const mine = ++asked;
  busy(true);
  const answer = await fetch(`/pictures/${photoId}`).catch(() => null);
  const picture = answer?.ok ? await answer.blob().catch(() => null) : null;
  if (mine !== asked) return;
  if (!picture) return fail(answer ? "other" : "offline");
  const form = new FormData();
  form.append("photo", picture, "picture.jpg");
  ask({ method: "POST", body: form }, URL.createObjectURL(picture), name);
}

async function ask(request, pictureUrl, name) {
  const mine = ++asked;
  busy(true);
  let answer, found;
  try {
    answer = await fetch("/api/identify?top=4", request);
    found = await answer.json();
  } catch {
    if (mine === asked) fail(answer ? "other" : "offline");
    return;
  }
  if (mine !== asked) return;
  if (!answer.ok) return fail(found.code, found.detail);
  busy(false);
  if (shownUrl) URL.revokeObjectURL(shownUrl);
  shownUrl = pictureUrl;
  last = { found, pictureUrl, name };
  show(last);
  $("status").textContent = words.ready(`${$("verdict").textContent} ${$("by").textContent}`);
  $("answer").scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  $("verdict").focus({ preventScroll: true });
}

function busy(isBusy) {
  document.body.classList.toggle("busy", isBusy);
  $("main").setAttribute("aria-busy", String(isBusy));
  $("status").textContent = isBusy ? words.looking : "";
  $("fault").hidden = true;
}

function fail(code, detail) {
  busy(false);
  const told = words.faults[code] ?? words.faults.other;
  const strong = document.createElement("strong");
  strong.textContent = words.failed;
  const text = document.createElement("span");
  text.textContent = typeof told === "function" ? told(MAX_MB) : told;
  $("fault").replaceChildren(strong, text);
  if (detail && DETAILED.includes(code)) {
    const small = document.createElement("small");
    small.textContent = detail;
    small.lang = "en";
    $("fault").append(small);
  }
  $("fault").hidden = false;
  $("fault").scrollIntoView({ block: "nearest" });
}

// --- showing

function show({ found, pictureUrl, name }) {
  showPhoto(found, pictureUrl, name);
  const isKnown = found.verdict === "known";
  const isShoe = found.verdict !== "not_a_shoe";
  const percent = Math.round((found.confidence ?? 0) * 100);
  $("answer").dataset.verdict = found.verdict;
  $("sure").textContent = isKnown ? words.sure[level(found.confidence)] : "";
  $("verdict").textContent = isKnown ? found.product_name : isShoe ? words.unknown : words.notShoe;
  $("by").textContent = isKnown ? words.by(found.brand_name) : isShoe ? words.unknownBy : words.notShoeBy;
  $("meter").hidden = !isKnown;
  $("meter").firstElementChild.style.width = `${percent}%`;
  $("plainly").textContent = !isShoe ? "" : isKnown ? words.plainly(percent, found.arm) : words.unsure(percent);
  const others = isKnown ? found.candidates.slice(1) : found.candidates;
  $("others").hidden = !others.length;
  $("others-title").textContent = isKnown ? words.others : words.guesses;
  $("candidates").replaceChildren(...others.map(candidate));
  $("alike").hidden = !found.similar.length;
  $("grid").replaceChildren(...found.similar.map(similar));
  $("shape").hidden = !found.same_shape.length;
  $("shape-grid").replaceChildren(...found.same_shape.map(similar));
  $("answer").hidden = false;
}

function level(confidence) {
  return confidence >= 0.9 ? 3 : confidence >= 0.7 ? 2 : confidence >= 0.5 ? 1 : 0;
}

function showPhoto(found, pictureUrl, name) {
  const image = $("shown");
  const box = $("box");
  box.hidden = true;
  $("caption").textContent = name ? words.itsPicture(name) : "";
  image.alt = name ? words.itsPicture(name) : words.yourPhoto;
  image.closest("figure").hidden = !pictureUrl;
  $("answer").classList.toggle("bare", !pictureUrl);
  if (!pictureUrl) return;
  image.hidden = false;
  image.onload = () => {
    if (!found.box) return;
    const [left, top, right, bottom] = found.box;
    const across = 100 / image.naturalWidth;
    const down = 100 / image.naturalHeight;
    box.style.left = `${left * across}%`;
    box.style.top = `${top * down}%`;
    box.style.width = `${(right - left) * across}%`;
    box.style.height = `${(bottom - top) * down}%`;
    box.hidden = false;
  };
  image.onerror = () => {
    image.hidden = true;
    $("caption").textContent = words.noPreview;
  };
  image.src = pictureUrl;
}

function made(tag, className, text) {
  const one = document.createElement(tag);
  if (className) one.className = className;
  if (text !== undefined) one.textContent = text;
  return one;
}

function pictureOf(shoe) {
  const image = made("img");
  image.src = `/pictures/${shoe.photo_id}`;
  image.alt = "";
  image.loading = "lazy";
  image.width = 250;
  image.height = 300;
  return image;
}

function candidate(shoe) {
  const item = made("li");
  const button = made("button", "candidate");
  button.type = "button";
  if (shoe.photo_id) {
    button.append(pictureOf(shoe));
    button.addEventListener("click", () => askPicture(shoe.photo_id, shoe.product_name));
  } else {
    button.disabled = true;
    button.append(made("span", "blank"));
  }
  const text = made("span", "names");
  text.append(made("span", "name", shoe.product_name), made("span", "brandname", shoe.brand_name));
  button.append(text, made("span", "share", words.percent(Math.round(shoe.confidence * 100))));
  item.append(button);
  return item;
}

function similar(shoe) {
  const item = made("li", "card");
  const button = made("button", "search");
  button.type = "button";
  button.setAttribute("aria-label", words.searchFrom(shoe.product_name, shoe.brand_name));
  button.append(pictureOf(shoe));
  button.addEventListener("click", () => askPicture(shoe.photo_id, shoe.product_name));
  const likeness = words.likeness(Math.max(0, Math.floor(shoe.similarity * 100)));
  const line = made("p", "brandname", `${shoe.brand_name} · ${likeness}`);
  item.append(button, made("p", "name", shoe.product_name), line);
  const source = shoe.urls.find((url) => /^https?:\/\//.test(url));
  if (source) {
    const link = made("a", "source", words.seen);
    link.href = source;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.setAttribute("aria-label", words.seenOf(shoe.product_name));
    item.append(link);
  }
  return item;
}

// --- ways in

function imageAmong(items) {
  const files = [...(items?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0] ?? null;
}

function addressAmong(items) {
  const text = (items?.getData("text/uri-list") || items?.getData("text/plain") || "").trim();
  return /^https?:\/\/\S+$/.test(text) ? text : null;
}

function takeFrom(items) {
  const file = imageAmong(items);
  const url = file ? null : addressAmong(items);
  if (file) askFile(file);
  else if (url) askUrl(url);
  else fail("no_image");
}

$("choose").addEventListener("click", () => $("file").click());
for (const id of ["file", "camera"])
  $(id).addEventListener("change", (event) => {
    askFile(event.target.files[0]);
    event.target.value = ""; // the same file may be chosen again
  });

let depth = 0; // dragenter and dragleave also come from what is inside
addEventListener("dragenter", (event) => {
  event.preventDefault();
  depth += 1;
  $("drop").classList.add("over");
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("dragleave", () => {
  depth -= 1;
  if (depth <= 0) $("drop").classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  depth = 0;
  $("drop").classList.remove("over");
  takeFrom(event.dataTransfer);
});
addEventListener("paste", (event) => {
  if (event.target.closest?.("input") && !imageAmong(event.clipboardData)) return; // text into the field
  event.preventDefault();
  takeFrom(event.clipboardData);
});

$("address").addEventListener("submit", (event) => {
  event.preventDefault();
  askUrl($("url").value.trim());
});

$("again").addEventListener("click", () => {
  asked += 1;
  busy(false);
  last = null;
  $("answer").hidden = $("alike").hidden = $("shape").hidden = true;
  $("status").textContent = "";
  $("choose").focus();
  scrollTo({ top: 0 });
});

// --- the camera: a phone's own, elsewhere a viewfinder

$("shoot").addEventListener("click", async () => {
  if (matchMedia("(pointer: coarse)").matches) return $("camera").click();
  try {
    camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    return fail("no_camera");
  }
  $("video").srcObject = camera;
  $("viewfinder").showModal();
});
$("snap").addEventListener("click", () => {
  const video = $("video");
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  $("viewfinder").close();
  canvas.toBlob((picture) => askFile(picture), "image/jpeg", 0.95);
});
$("leave").addEventListener("click", () => $("viewfinder").close());
$("viewfinder").addEventListener("close", () => {
  for (const track of camera?.getTracks() ?? []) track.stop();
  camera = null;
});

for (const one of document.querySelectorAll("[data-language]"))
  one.addEventListener("click", () => speak(one.dataset.language, true));
speak(remembered() ?? (navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en"), false);
