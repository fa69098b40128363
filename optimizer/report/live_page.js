// Three conveniences of the live page; without them it shows the same. No library, no outside request.
"use strict";

const read = new WeakMap(); // figure -> data of its read-out

function dataOf(figure) {
  if (!read.has(figure)) read.set(figure, JSON.parse(figure.querySelector("script").textContent));
  return read.get(figure);
}

// 1. Read-out: the values of the quarter-hour under the pointer or at the slider.
function show(figure, place) {
  const { begin, end, rows } = dataOf(figure);
  const from = place > 0 ? rows[place - 1][0] : begin;
  figure.querySelector("output").textContent = rows[place][1];
  figure.querySelector("input").value = place;
  for (const picture of figure.querySelectorAll("svg.picture")) {
    const left = Number(picture.dataset.left), right = Number(picture.dataset.right);
    const x = left + ((from + rows[place][0]) / 2 - begin) / (end - begin) * (right - left);
    let line = picture.querySelector("line.cursor");
    if (!line) {
      line = document.createElementNS("http://www.w3.org/2000/svg", "line");
      line.setAttribute("class", "cursor");
      line.setAttribute("y1", 40);
      line.setAttribute("y2", picture.viewBox.baseVal.height - 40);
      picture.append(line);
    }
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
  }
}

document.addEventListener("pointermove", (event) => {
  const picture = event.target.closest("figure.readable svg.picture");
  if (!picture) return;
  const figure = picture.closest("figure"), { begin, end, rows } = dataOf(figure);
  const box = picture.getBoundingClientRect();
  const x = (event.clientX - box.left) / box.width * picture.viewBox.baseVal.width;
  const left = Number(picture.dataset.left), right = Number(picture.dataset.right);
  const at = begin + (x - left) / (right - left) * (end - begin);
  const place = rows.findIndex((row) => at < row[0]);
  if (at >= begin && place >= 0) show(figure, place);
});

document.addEventListener("input", (event) => {
  const figure = event.target.closest("figure.readable");
  if (figure) show(figure, Number(event.target.value));
});

// 2. A day is shown as soon as it is chosen.
document.addEventListener("change", (event) => {
  if (event.target.type === "date" && event.target.value) event.target.form.requestSubmit();
});

// 3. The page stays fresh, and says so where it does not.
function prepare() {
  for (const part of document.querySelectorAll("p.readout")) part.hidden = false;
  for (const part of document.querySelectorAll("form.day button")) part.hidden = true;
}

let used = 0; // moment of the last move or key
for (const kind of ["pointermove", "keydown", "input"]) {
  document.addEventListener(kind, () => { used = Date.now(); });
}

async function refresh() {
  const main = document.querySelector("main");
  if (document.hidden || Date.now() - used < 10000) return;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    const text = await answer.text();
    // the rest has the style with its own nonce, which this page's policy would refuse
    const part = text.slice(text.lastIndexOf("<main>"), text.lastIndexOf("</main>"));
    const fresh = new DOMParser().parseFromString(part, "text/html");
    const open = [...main.querySelectorAll("details")].map((part) => part.open);
    fresh.querySelectorAll("main details").forEach((part, place) => { part.open = open[place]; });
    main.replaceWith(document.adoptNode(fresh.querySelector("main")));
    prepare();
  } catch {
    document.getElementById("offline").hidden = false;
  }
}

addEventListener("DOMContentLoaded", () => {
  prepare();
  setInterval(refresh, 30000);
});
