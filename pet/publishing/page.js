// The page around pets.js: sliders and a name, the pet, and its two files. Nothing leaves the page.

const POINTS = 5;
const COLOURS = ["#f47094", "#7c4ece", "#28a8b0", "#f0b22c"];
const WORDS = {
  en: {
    title: "Your music, as a pet", name: "Your name", png: "Save picture", svg: "Save SVG", surprise: "Surprise me",
    clear: "Start again", pet: "A pet: ",
    footer: "The same name and taste always get the same pet. Nothing you type leaves this page.",
  },
  es: {
    title: "Tu música, hecha mascota", name: "Tu nombre", png: "Guardar imagen", svg: "Guardar SVG",
    surprise: "Sorpréndeme", clear: "Volver a empezar", pet: "Una mascota: ",
    footer: "El mismo nombre y los mismos gustos dan siempre la misma mascota. Nada de lo que escribes sale de esta página.",
  },
  ca: {
    title: "La teva música, feta mascota", name: "El teu nom", png: "Desa la imatge", svg: "Desa l'SVG",
    surprise: "Sorprèn-me", clear: "Torna a començar", pet: "Una mascota: ",
    footer: "El mateix nom i els mateixos gustos donen sempre la mateixa mascota. Res del que escrius surt d'aquesta pàgina.",
  },
};
const data = JSON.parse(document.getElementById("wardrobe").textContent);
const find = (selector) => document.querySelector(selector);
const state = { language: "en", points: data.genres.map(() => 0), name: "", svg: "" };

// The taste as `main.py --taste` reads it: the largest value is 1.
function tasteOf(points) {
  const top = Math.max(...points);
  return points.map((value) => (top ? value / top : 0));
}

function show() {
  const taste = tasteOf(state.points);
  const name = state.name.trim();
  const design = designPet(data, taste, name);
  const svg = drawPet(data, design);
  const why = explainPet(data, taste, design, state.language);
  find("#shown-name").textContent = name;
  find("#why").textContent = why;
  find("#change").textContent = explainChange(data, taste, name, design, state.language);
  const image = find("#pet");
  image.alt = WORDS[state.language].pet + SLOTS.map((slot) => design.worn[slot].words[state.language]).join(", ");
  if (svg !== state.svg) {
    image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
    image.classList.remove("new");
    requestAnimationFrame(() => image.classList.add("new"));
    state.svg = svg;
  }
  document.querySelectorAll(".genres label").forEach((label, genre) => {
    const value = state.points[genre];
    const [slider, output] = [label.querySelector("input"), label.querySelector("output")];
    slider.value = value;
    slider.style.setProperty("--fill", `${(100 * value) / POINTS}%`);
    output.textContent = value || "";
    label.classList.toggle("liked", value === Math.max(...state.points) && value > 0);
  });
}

function translate(language) {
  state.language = language;
  document.documentElement.lang = language;
  document.title = WORDS[language].title;
  for (const element of document.querySelectorAll("[data-words]")) {
    element.textContent = WORDS[language][element.dataset.words];
  }
  for (const button of document.querySelectorAll(".languages button")) {
    button.setAttribute("aria-pressed", button.value === language);
  }
  document.querySelectorAll(".genres span").forEach((span, genre) => {
    span.textContent = data.genres[genre].words[language];
  });
  show();
}

function build() {
  for (const language of Object.keys(WORDS)) {
    const button = document.createElement("button");
    button.value = language;
    button.textContent = language.toUpperCase();
    button.addEventListener("click", () => translate(language));
    find(".languages").append(button);
  }
  data.genres.forEach((_, genre) => {
    const label = document.createElement("label");
    const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: POINTS, step: 1 });
    slider.style.setProperty("--colour", COLOURS[genre % COLOURS.length]);
    slider.addEventListener("input", () => {
      state.points[genre] = Number(slider.value);
      show();
    });
    label.append(document.createElement("span"), document.createElement("output"), slider);
    find(".genres").append(label);
  });
}

function save(url, ending) {
  const link = document.createElement("a");
  link.href = url;
  link.download = `pet.${ending}`;
  link.click();
}

function savePicture() {
  const picture = new Image();
  picture.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = data.canvas_px;
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    save(canvas.toDataURL("image/png"), "png");
  };
  picture.src = `data:image/svg+xml,${encodeURIComponent(state.svg)}`;
}

// A few genres that are liked, the first one most.
function surprise() {
  const order = data.genres.map((_, genre) => genre).sort(() => Math.random() - 0.5);
  state.points = data.genres.map(() => Math.floor(Math.random() * 2));
  order.slice(0, 3).forEach((genre, place) => (state.points[genre] = POINTS - place));
  show();
}

build();
find("#name").addEventListener("input", (event) => {
  state.name = event.target.value;
  show();
});
find("#save-svg").addEventListener("click", () => {
  const url = URL.createObjectURL(new Blob([state.svg], { type: "image/svg+xml" }));
  save(url, "svg");
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
});
find("#save-png").addEventListener("click", savePicture);
find("#surprise").addEventListener("click", surprise);
find("#clear").addEventListener("click", () => {
  state.points.fill(0);
  show();
});
state.points[data.genres.findIndex((genre) => genre.key === "jazz")] = 5;
state.points[data.genres.findIndex((genre) => genre.key === "soul")] = 4;
state.points[data.genres.findIndex((genre) => genre.key === "latin")] = 2;
translate(Object.keys(WORDS).find((language) => navigator.language.startsWith(language)) ?? "en");
